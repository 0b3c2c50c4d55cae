/* The profile object: what this token promises to do (PKCS#11 3.0, 4.5; Profiles 3.0). */
#ifndef BYOK_PKCS11_SOFT_PROFILE_H
#define BYOK_PKCS11_SOFT_PROFILE_H

#include "pkcs11/soft/attribute.h"

struct attribute_value profile_attribute(CK_ATTRIBUTE_TYPE type);

#endif
