#import "lib/three.h"

const char *three(void)
{
    return THREE;
}
