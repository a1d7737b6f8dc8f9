#import <Foundation/Foundation.h>

@interface Adder : NSObject {
    long total;
}
@property(readonly) long total;
- (void)add:(NSNumber *)number;
@end

@implementation Adder
@synthesize total;

- (void)add:(NSNumber *)number
{
    @synchronized(self) {
        total += number.longValue;
    }
}
@end

int main(void)
{
    @autoreleasepool {
        NSCountedSet *letters = [NSCountedSet setWithArray:@[@"a", @"a", @"b"]];
        printf("collections: a=%d b=%d\n", (int)[letters countForObject:@"a"], (int)[letters countForObject:@"b"]);

        NSString *text = @"on 2024-03-01";
        NSRegularExpression *pattern = [NSRegularExpression regularExpressionWithPattern:@"(\\d{4})-(\\d{2})"
                                                                                 options:0
                                                                                   error:NULL];
        NSTextCheckingResult *found = [pattern firstMatchInString:text options:0 range:NSMakeRange(0, text.length)];
        printf("regex: %s %s\n", [text substringWithRange:[found rangeAtIndex:1]].UTF8String,
               [text substringWithRange:[found rangeAtIndex:2]].UTF8String);

        NSData *json = [NSJSONSerialization dataWithJSONObject:@[@1, @2, @3] options:0 error:NULL];
        NSString *compact = [[NSString alloc] initWithData:json encoding:NSUTF8StringEncoding];
        printf("json: %s\n", [compact stringByReplacingOccurrencesOfString:@" " withString:@""].UTF8String);

        NSArray *fruit = [@[@"pear", @"fig", @"apple"] sortedArrayUsingSelector:@selector(compare:)];
        printf("sort: %s\n", [fruit componentsJoinedByString:@" "].UTF8String);

        NSDateFormatter *format = [[NSDateFormatter alloc] init];
        format.dateFormat = @"yyyy-MM-dd";
        format.timeZone = [NSTimeZone timeZoneWithName:@"UTC"];
        NSDate *day = [format dateFromString:@"2024-02-28"];
        printf("date: %s\n", [format stringFromDate:[day dateByAddingTimeInterval:2 * 86400]].UTF8String);

        Adder *adder = [[Adder alloc] init];
        NSOperationQueue *queue = [[NSOperationQueue alloc] init];
        for (NSNumber *number in @[@1, @2, @3, @4])
            [queue addOperation:[[NSInvocationOperation alloc] initWithTarget:adder
                                                                      selector:@selector(add:)
                                                                        object:number]];
        [queue waitUntilAllOperationsAreFinished];
        printf("threads: %ld\n", adder.total);
    }
    return 0;
}
