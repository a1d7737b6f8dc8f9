#import <Foundation/Foundation.h>

int main(void)
{
    @autoreleasepool {
        NSFileHandle *input = [NSFileHandle fileHandleWithStandardInput];
        [[NSFileHandle fileHandleWithStandardOutput] writeData:[input readDataToEndOfFile]];
    }
    return 0;
}
