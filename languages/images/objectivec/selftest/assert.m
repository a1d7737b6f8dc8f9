#import <Foundation/Foundation.h>
#include <assert.h>

int main(int argc, char **argv)
{
    puts("before");
    assert(argc == 3);
}
