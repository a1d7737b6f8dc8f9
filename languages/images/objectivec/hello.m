#import <Foundation/Foundation.h>

int main(void)
{
    @autoreleasepool {
        NSString *greeting = @"Hello from Objective-C!";
        puts(greeting.UTF8String);
    }
    return 0;
}
