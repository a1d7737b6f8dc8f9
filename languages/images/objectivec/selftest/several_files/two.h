#import <Foundation/Foundation.h>

@interface Two : NSObject
+ (NSString *)text;
@end
