/* What a certificate answers. Its name is known at once; what is in it may cost a request, so the caller gets
 * that first. */
#ifndef BYOK_PKCS11_SOFT_CERTIFICATE_ATTRIBUTE_H
#define BYOK_PKCS11_SOFT_CERTIFICATE_ATTRIBUTE_H

#include "pkcs11/soft/attribute.h"
#include "pkcs11/soft/certificates.h"

struct certificate_view {
    struct bytes text;
    const struct certificate *content; /* NULL: not known, or not to be had */
    char unique_id[KEY_NAME_SIZE + 64];
};

/* It must not outlive `content`. */
void certificate_view_init(struct certificate_view *view, struct certificates *certificates,
                           struct held_certificate *held, const struct certificate *content);
struct attribute_value certificate_attribute(const struct certificate_view *view, CK_ATTRIBUTE_TYPE type);

/* True for what only the content can tell. */
bool certificate_attribute_is_content(CK_ATTRIBUTE_TYPE type);
/* False where no certificate could match, whatever its name and content. */
bool certificate_attribute_could_match(const CK_ATTRIBUTE *wanted);

#endif
