#import "two.h"

@implementation Two
+ (NSString *)text
{
    return @"two";
}
@end
