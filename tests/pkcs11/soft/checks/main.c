/* All checks in one TAP run. */
#include "tests/pkcs11/soft/checks/checks.h"

/* What has no test here. */
static const struct elsewhere {
    int number;
    const char *why;
} elsewhere[] = {
    {31, "does not apply: CKA_ALWAYS_AUTHENTICATE is false on every key; check_31 holds it to that"},
    {34, "is made between slots too, in tests/contract/both and tests/hammer"},
    {36, "is made over the whole module, in tests/pkcs11/test_module and tests/contract/both"},
    {37, "is made over the whole module, in tests/contract/both"},
};

static const struct room *const rooms[] = {&key_room,      &private_key_room, &wrapping_room, &usage_room,
                                           &oracle_room,   &aes_oracle_room,  &signing_room,  &forgery_room,
                                           &template_room, &session_room,     &handle_room,   &service_room,
                                           &suite_room};

int main(void)
{
    for (size_t i = 0; i < COUNT(elsewhere); i++) {
        printf("# check %d %s\n", elsewhere[i].number, elsewhere[i].why);
    }
    fflush(stdout);
    return run_rooms("checks", rooms, COUNT(rooms));
}
