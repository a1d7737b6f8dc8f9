#import "other.h"

int main(void)
{
    @autoreleasepool {
        puts([Other text].UTF8String);
    }
    return 0;
}
