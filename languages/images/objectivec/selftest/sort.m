#import <Foundation/Foundation.h>

int main(void)
{
    @autoreleasepool {
        NSMutableArray *numbers = [NSMutableArray arrayWithCapacity:1000000];
        long x = 42;
        for (int i = 0; i < 1000000; i++) {
            x = (x * 1103515245 + 12345) % (1L << 31);
            [numbers addObject:@(x)];
        }
        [numbers sortUsingSelector:@selector(compare:)];
        printf("%ld %ld %ld\n", [[numbers objectAtIndex:0] longValue],
               [[numbers objectAtIndex:500000] longValue], [[numbers objectAtIndex:999999] longValue]);
    }
    return 0;
}
