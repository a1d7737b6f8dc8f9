#import <Foundation/Foundation.h>

int main(void)
{
    for (int i = 0; i < 500000; i++)
        putchar('y');
    exit(0);
}
