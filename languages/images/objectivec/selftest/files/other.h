#import <Foundation/Foundation.h>

@interface Other : NSObject
+ (NSString *)text;
@end
