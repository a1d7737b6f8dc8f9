#import "lib/three.h"
#import "two.h"

int main(void)
{
    @autoreleasepool {
        puts("one");
        puts([Two text].UTF8String);
        puts(three());
    }
    return 0;
}
