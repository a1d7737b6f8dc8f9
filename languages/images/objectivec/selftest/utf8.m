#import <Foundation/Foundation.h>

int main(void)
{
    @autoreleasepool {
        NSData *data = [[NSFileHandle fileHandleWithStandardInput] readDataToEndOfFile];
        NSString *text = [[NSString alloc] initWithData:data encoding:NSUTF8StringEncoding];
        printf("%s\n%s", @"żółć, 中文 🚀".UTF8String, text.UTF8String);
    }
    return 0;
}
