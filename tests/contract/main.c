/* The suite over a token of the built module: contract ROW, run under tests/with-tokens. */
#include "tests/contract/contract.h"

int main(int count, char **words)
{
    CK_FUNCTION_LIST *functions = module_functions();

    if (count != 2 || functions == NULL || !contract_begin(functions, words[1])) {
        fprintf(stderr, "usage: tests/with-tokens contract ROW\n");
        return 99;
    }
    return contract_run();
}
