#import <Foundation/Foundation.h>

int main(void)
{
    puts("leaving");
    return 7;
}
