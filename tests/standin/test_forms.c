/* Short forms for tests of the keys API. */
#include "tests/standin/test_client.h"
#include "tests/standin/text.h"

static void make_at(struct reply (*ask)(const char *method, const char *path, const char *body),
                    const char *name, const char *json)
{
    char *key OWNED(owned_free) = text("/keys/%s", name),
              *create OWNED(owned_free) = text("/keys/%s/create", name);
    char *deleted OWNED(owned_free) = text("/deletedkeys/%s", name);
    struct reply made ENDS(reply_done) = {0};

    ignore(ask("DELETE", key, NULL));
    ignore(ask("DELETE", deleted, NULL));
    made = ask("POST", create, json);
    assert_int_equal(made.status, 200);
}

void make_vault_key(const char *name, const char *json)
{
    make_at(vault, name, json);
}

void make_mhsm_key(const char *name, const char *json)
{
    make_at(mhsm, name, json);
}

void expect_refusal(struct reply reply, long status, const char *code, const char *inner)
{
    struct reply ended ENDS(reply_done) = reply;

    assert_int_equal(ended.status, status);
    assert_string_equal(reply_text(&ended, "error.code"), code);
    assert_string_equal(reply_text(&ended, "error.innererror.code"), inner);
}
