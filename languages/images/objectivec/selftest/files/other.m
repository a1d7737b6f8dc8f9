#import "other.h"

@implementation Other
+ (NSString *)text
{
    return @"from another file";
}
@end
