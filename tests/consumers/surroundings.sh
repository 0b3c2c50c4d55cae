# What a client finds here instead of the machine's own: a home, configurations, an authority, and in both tokens an
# RSA and an EC key pair with a certificate each. Read by clients.sh.
#
#   ca.pem ca.key                     the authority
#   hsm-kek.pem, vault-signer.pem...  the certificates, for localhost; hsm-kek.pub... the public keys
#   server.key server.pem             of a server that has its key in a file
#   letter, key                       something to sign or seal; 16 bytes of a data key

HOME=$TOKENS_DIR/home
XDG_CONFIG_HOME=$HOME/.config
XDG_CACHE_HOME=$HOME/.cache
XDG_RUNTIME_DIR=$HOME/run
OPENSSL_CONF=$TOKENS_DIR/openssl.cnf
export HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR OPENSSL_CONF
unset P11_KIT_SERVER_ADDRESS PKCS11_MODULE_PATH PKCS11_PROVIDER_MODULE OPENSSL_MODULES OPENSSL_ENGINES \
    SSH_AUTH_SOCK SSH_ASKPASS DISPLAY JAVA_TOOL_OPTIONS GNUTLS_PIN
no_proxy=localhost,127.0.0.1
export no_proxy

# p11-kit knows our module and no other (see as_user), which stands where any user may read it.
cp "$MODULE" byok-pkcs11.so
MODULE=$TOKENS_DIR/byok-pkcs11.so
mkdir -p "$XDG_CONFIG_HOME/pkcs11/modules" "$XDG_CACHE_HOME" "$XDG_RUNTIME_DIR"
echo 'user-config: only' >"$XDG_CONFIG_HOME/pkcs11/pkcs11.conf"
echo "module: $MODULE" >"$XDG_CONFIG_HOME/pkcs11/modules/byok.module"

cat >"$OPENSSL_CONF" <<CNF
[req]
distinguished_name = name
[name]
CNF

# A step of the preparation; without it nothing here means anything.
prepare() {
    if ! "$@" >words 2>&1; then
        shown words
        echo "Bail out! $1 failed while the tokens were prepared"
        exit 99
    fi
}

softhsm() {
    pkcs11-tool --module "$(cat hsm/module)" --token-label hsm --login --pin env:HSM_PIN "$@"
}

control() {
    curl -q -s -S --fail --noproxy '*' -X "$1" "$CONTROL_URL$2" --data "$3"
}

make_authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 \
        -subj /CN=authority -addext keyUsage=critical,keyCertSign,cRLSign
    cat >certificate.cnf <<CNF
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost, IP:127.0.0.1
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth, clientAuth, emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF
}

# make_certificate NAME: NAME.pem and NAME.der for the key in NAME.pub.
make_certificate() {
    openssl x509 -new -force_pubkey "$1.pub" -subj "/CN=$1" -CA ca.pem -CAkey ca.key -days 2 \
        -extfile certificate.cnf -out "$1.pem" &&
        openssl x509 -in "$1.pem" -outform DER -out "$1.der"
}

make_server() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out server.key &&
        openssl pkey -in server.key -pubout -out server.pub && make_certificate server
}

hsm_key() {
    softhsm --read-object --type pubkey --label "$1" --output-file hsm-key.der &&
        openssl pkey -pubin -inform DER -in hsm-key.der -out "hsm-$1.pub"
}

# The vault tells a key as a certificate's in the form that OpenSSL reads.
vault_key() {
    control PUT "/keys/$1" '{"managed":true}' &&
        "$here/../vault-curl" GET "/certificates/$1" >vault-certificate.json &&
        sed -n 's/.*"cer":"\([^"]*\)".*/\1/p' vault-certificate.json | openssl base64 -d -A |
        openssl x509 -inform DER -noout -pubkey >"vault-$1.pub"
}

give_hsm_certificate() {
    softhsm --write-object "hsm-$1.der" --type cert --label "$1" --id "$2"
}

# The module reads them from a folder of PEM files.
give_vault_certificates() {
    mkdir certificates
    cp vault-kek.pem certificates/kek.pem
    cp vault-signer.pem certificates/signer.pem
    sed -i "s|^    backend = keyvault|&\n    certificates = \"$TOKENS_DIR/certificates\"|" "$BYOK_PKCS11_CONF"
}

prepare make_authority
prepare make_server
prepare softhsm --keypairgen --key-type EC:prime256v1 --label signer --id 02 --usage-sign
for name in kek signer; do
    prepare hsm_key "$name"
    prepare vault_key "$name"
    prepare make_certificate "hsm-$name"
    prepare make_certificate "vault-$name"
done
prepare give_hsm_certificate kek 01
prepare give_hsm_certificate signer 02
prepare give_vault_certificates
head -c 16 /dev/urandom >key
echo "A letter for $TOKENS_DIR" >letter
