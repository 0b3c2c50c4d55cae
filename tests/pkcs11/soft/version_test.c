/* What the tests of key versions share. */
#include "tests/pkcs11/soft/version_test.h"
#include "backends/base/log.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { MOST_BLOBS = 256, MOST_LINES = 256, LINE = 512 };

static unsigned char blobs[MOST_BLOBS][512];
static unsigned made, told_unwraps, told_listings;
static char lines[MOST_LINES][LINE];
static unsigned line_count;
static pthread_mutex_t lines_lock = PTHREAD_MUTEX_INITIALIZER;

static void hear(void *arg, enum log_level level, const char *about, const char *text)
{
    (void)arg;
    (void)level;
    (void)about;
    pthread_mutex_lock(&lines_lock);
    if (line_count < MOST_LINES) {
        snprintf(lines[line_count++], LINE, "%s", text);
    }
    pthread_mutex_unlock(&lines_lock);
}

unsigned lines_with(const char *text)
{
    unsigned count = 0;

    pthread_mutex_lock(&lines_lock);
    for (unsigned i = 0; i < line_count; i++) {
        count += strstr(lines[i], text) != NULL;
    }
    pthread_mutex_unlock(&lines_lock);
    return count;
}

int version_begin(void **state)
{
    made = told_unwraps = told_listings = line_count = 0;
    assert_rv(log_configure("info stderr"), CKR_OK);
    log_listen(hear, NULL);
    return soft_begin(state);
}

int version_end(void **state)
{
    fake_configure_older(fake, NULL);
    log_listen(NULL, NULL);
    return soft_end(state);
}

void versions_of_kek(unsigned count, unsigned bits)
{
    fake_offer_versions(fake);
    while (fake_version_at(fake, "kek", count - 1) == NULL) {
        fake_add(fake, "kek", bits);
    }
}

static struct bytes keep(const struct buffer *blob)
{
    unsigned char *place = blobs[made++ % MOST_BLOBS];

    memcpy(place, blob->data, blob->size);
    return bytes_of(place, blob->size);
}

struct bytes blob_of(unsigned index)
{
    struct buffer blob = BUFFER_INIT(512);
    struct bytes kept;

    fake_encrypt_at(fake, "kek", index, RSA_PADDING_OAEP_SHA256,
                    bytes_of_text("0123456789abcdef0123456789abcdef"), &blob);
    kept = keep(&blob);
    buffer_free(&blob);
    return kept;
}

struct bytes garbage(void)
{
    unsigned char *place = blobs[made++ % MOST_BLOBS];

    memset(place, 0, 256);
    memcpy(place + 100, &made, sizeof made);
    return bytes_of(place, 256);
}

CK_RV open_with(CK_OBJECT_HANDLE kek, CK_MECHANISM *mechanism, struct bytes blob, CK_OBJECT_HANDLE *ret_key)
{
    unsigned char copy[512];

    memcpy(copy, blob.data, blob.size);
    return unwrap_under(kek, mechanism, copy, blob.size, ret_key);
}

CK_RV open_blob(struct bytes blob, CK_OBJECT_HANDLE *ret_key)
{
    return open_with(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha256, blob, ret_key);
}

const char *version_told(CK_OBJECT_HANDLE object)
{
    static char version[KEY_VERSION_SIZE + 1];
    CK_ATTRIBUTE attribute = {CKA_BYOK_KEY_VERSION, version, KEY_VERSION_SIZE};

    assert_rv(CALL(get_attribute_value, object, &attribute, 1), CKR_OK);
    version[attribute.ulValueLen] = 0;
    return version;
}

const char *version_name(unsigned index)
{
    return fake_version_at(fake, "kek", index)->version;
}

void assert_opened_by(struct bytes blob, unsigned index)
{
    unsigned char value[64];
    CK_OBJECT_HANDLE key = 0;

    assert_rv(open_blob(blob, &key), CKR_OK);
    assert_int_equal(read_value(key, value, sizeof value), 32);
    assert_memory_equal(value, "0123456789abcdef0123456789abcdef", 32);
    assert_string_equal(version_told(key), version_name(index));
}

unsigned unwraps(void)
{
    unsigned now = fake_count(fake, FAKE_UNWRAP), since = now - told_unwraps;

    told_unwraps = now;
    return since;
}

unsigned listings(void)
{
    unsigned now = fake_count(fake, FAKE_LIST_VERSIONS), since = now - told_listings;

    told_listings = now;
    return since;
}

void open_with_five(const char *options)
{
    versions_of_kek(5, 2048);
    soft_open(options);
}

void assert_asked(unsigned index, unsigned times)
{
    assert_int_equal(fake_asked(fake, "kek", index), times);
}
