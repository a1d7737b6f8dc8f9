#import <Foundation/Foundation.h>

int main(int argc, char **argv)
{
    @autoreleasepool {
        for (int i = 1; i < argc; i++)
            puts(argv[i]);
    }
    return 0;
}
