# What OpenSSL's program does with keys in a token, for the engine and the provider alike. Who reads this sets
#   $by_engine       the options that name the engine; empty for a provider
# and has oaep_sha256, default_salt and tls, which expect what the client and the token make of these, and with_token, which runs its arguments with the engine or the provider at hand. OpenSSL without either
# verifies, and makes what is to be opened.
# shellcheck disable=SC2086 # the options are words

uri() {
    echo "pkcs11:token=$token;object=$1;type=$2"
}

decrypts() {
    openssl pkeyutl -encrypt -pubin -inkey "$token-$rsa.pub" -in key -out blob "$@" &&
        with_token openssl pkeyutl -decrypt $by_engine -inkey "$(uri "$rsa" private)" -in blob -out again "$@" && cmp key again
}

encrypts_and_decrypts() {
    with_token openssl pkeyutl -encrypt -pubin $by_engine -inkey "$(uri "$rsa" public)" -in key -out blob "$@" &&
        with_token openssl pkeyutl -decrypt $by_engine -inkey "$(uri "$rsa" private)" -in blob -out again "$@" &&
        cmp key again
}

# signs KEY OPTION...: a digest, as a caller that has hashed by itself.
signs() {
    label=$1
    shift
    openssl dgst -sha256 -binary letter >digest
    with_token openssl pkeyutl -sign $by_engine -inkey "$(uri "$label" private)" -in digest -out signature \
        -pkeyopt digest:sha256 "$@" &&
        openssl pkeyutl -verify -pubin -inkey "$token-$label.pub" -in digest -sigfile signature \
            -pkeyopt digest:sha256 "$@"
}

# A whole file, hashed on the way.
digests_and_signs() {
    with_token openssl dgst -sha256 $by_engine -sign "$(uri "$rsa" private)" \
        -out signature letter &&
        openssl dgst -sha256 -verify "$token-$rsa.pub" -signature signature letter
}

signs_pss() {
    with_token openssl dgst -sha256 $by_engine -sign "$(uri "$rsa" private)" \
        -sigopt rsa_padding_mode:pss -out signature letter &&
        openssl dgst -sha256 -sigopt rsa_padding_mode:pss -verify "$token-$rsa.pub" -signature signature letter
}

requests_certificate() {
    with_token openssl req -new $by_engine -key "$(uri "$1" private)" \
        -subj /CN=localhost -out request.pem &&
        openssl req -in request.pem -verify -noout && openssl req -in request.pem -noout -pubkey | cmp - "$token-$1.pub"
}

opens_mail() {
    openssl cms -encrypt -aes128 -binary -in letter -out letter.p7 -outform PEM "$token-$rsa.pem" &&
        with_token openssl cms -decrypt $by_engine -in letter.p7 -inform PEM \
            -inkey "$(uri "$rsa" private)" -recip "$token-$rsa.pem" -out again && cmp letter again
}

opens_mail_oaep() {
    openssl cms -encrypt -aes128 -binary -in letter -out letter.p7 -outform PEM -recip "$token-$rsa.pem" \
        -keyopt rsa_padding_mode:oaep &&
        with_token openssl cms -decrypt $by_engine -in letter.p7 -inform PEM \
            -inkey "$(uri "$rsa" private)" -recip "$token-$rsa.pem" -out again && cmp letter again
}

signs_mail() {
    with_token openssl cms -sign -binary -nodetach $by_engine -in letter -outform PEM \
        -inkey "$(uri "$1" private)" -signer "$token-$1.pem" -out letter.p7 &&
        openssl cms -verify -binary -in letter.p7 -inform PEM -CAfile ca.pem -purpose any -out again && cmp letter again
}

# serves KEY OPTION...: s_server, for a client with these options.
serves() {
    label=$1
    shift
    port=$(free_port)
    server with_token openssl s_server -accept "127.0.0.1:$port" $by_engine \
        -key "$(uri "$label" private)" -cert "$token-$label.pem" -www
    until_listens "$port" && openssl s_client -connect "127.0.0.1:$port" -CAfile ca.pem -verify_return_error -verify_hostname localhost \
        -brief "$@" </dev/null
}

all_of_openssl() {
    # the provider wants both digests named, although they are the usual ones
    works "encrypt and decrypt, OAEP SHA-1" encrypts_and_decrypts -pkeyopt rsa_padding_mode:oaep \
        -pkeyopt rsa_oaep_md:sha1 -pkeyopt rsa_mgf1_md:sha1
    oaep_sha256 "decrypt, OAEP SHA-256" decrypts -pkeyopt rsa_padding_mode:oaep \
        -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
    works "decrypt, PKCS1" decrypts
    works "sign, PKCS1" signs "$rsa"
    works "sign, PSS" signs "$rsa" -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:digest
    works "sign, ECDSA" signs "$ec"
    works "dgst -sign" digests_and_signs
    default_salt "dgst -sign, PSS with the client's own salt" signs_pss
    works "req, RSA" requests_certificate "$rsa"
    works "req, EC" requests_certificate "$ec"
    works "cms -decrypt" opens_mail
    works "cms -decrypt, OAEP" opens_mail_oaep
    works "cms -sign, RSA" signs_mail "$rsa"
    works "cms -sign, EC" signs_mail "$ec"
    tls "s_server, RSA, TLS 1.2" serves "$rsa" -tls1_2
    tls "s_server, RSA, TLS 1.3" serves "$rsa" -tls1_3
    tls "s_server, EC, TLS 1.3" serves "$ec" -tls1_3
}
