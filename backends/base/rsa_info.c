/* SubjectPublicKeyInfo. Not OpenSSL's: it would take a key of its own for it, with 2 KiB. */
#include "backends/base/rsa_info.h"
#include <string.h>

enum { DER_INTEGER = 0x02, DER_BITS = 0x03, DER_SEQUENCE = 0x30 };

/* SEQUENCE { rsaEncryption, NULL } */
static const unsigned char algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                          0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

/* With its header, for something with so many bytes in it. */
static size_t whole(size_t size)
{
    return size + (size < 0x80 ? 2 : size < 0x100 ? 3 : 4);
}

static unsigned char *write_header(unsigned char *at, unsigned char tag, size_t size)
{
    *at++ = tag;
    if (size >= 0x100) {
        *at++ = 0x82;
        *at++ = (unsigned char)(size >> 8);
    } else if (size >= 0x80) {
        *at++ = 0x81;
    }
    *at++ = (unsigned char)size;
    return at;
}

/* One with its highest bit set has a zero before it, or it would be negative. */
static size_t number_size(struct bytes number)
{
    return number.size + (number.data[0] >> 7);
}

static unsigned char *write_number(unsigned char *at, struct bytes number, struct bytes *ret_place)
{
    at = write_header(at, DER_INTEGER, number_size(number));
    if (number.data[0] >> 7 != 0) {
        *at++ = 0;
    }
    memcpy(at, number.data, number.size);
    *ret_place = bytes_of(at, number.size);
    return at + number.size;
}

struct sizes {
    size_t numbers, bits, all; /* without their headers */
};

static struct sizes sizes_of(struct bytes n, struct bytes e)
{
    size_t numbers = whole(number_size(n)) + whole(number_size(e)), bits = 1 + whole(numbers);

    return (struct sizes){numbers, bits, sizeof algorithm + whole(bits)};
}

size_t rsa_info_size(struct bytes n, struct bytes e)
{
    return whole(sizes_of(n, e).all);
}

void rsa_info_write(struct bytes n, struct bytes e, unsigned char *to, struct bytes *ret_n,
                    struct bytes *ret_e)
{
    struct sizes sizes = sizes_of(n, e);

    to = write_header(to, DER_SEQUENCE, sizes.all);
    memcpy(to, algorithm, sizeof algorithm);
    to = write_header(to + sizeof algorithm, DER_BITS, sizes.bits);
    *to++ = 0; /* no bits of the last byte are left over */
    to = write_header(to, DER_SEQUENCE, sizes.numbers);
    to = write_number(to, n, ret_n);
    write_number(to, e, ret_e);
}
