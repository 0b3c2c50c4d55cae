/*
 * A token by way of SunPKCS11: Tokens CONFIGURATION KEY-ALIAS OPERATION INPUT OUTPUT
 *
 * list needs the alias there; sign:ALGORITHM signs the input; decrypt:TRANSFORMATION opens it; unwrap:TRANSFORMATION
 * opens it as an AES key, and writes what that key makes of 16 zeros; wrap:TRANSFORMATION wraps it as an AES key under
 * the public key of the certificate.
 */
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;

public class Tokens {
    private static Provider provider;

    private static byte[] sign(String algorithm, PrivateKey key, byte[] input) throws Exception {
        Signature signature = Signature.getInstance(algorithm, provider);

        if (algorithm.equals("RSASSA-PSS")) {
            signature.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
        }
        signature.initSign(key);
        signature.update(input);
        return signature.sign();
    }

    private static byte[] decrypt(String transformation, PrivateKey key, byte[] input) throws Exception {
        Cipher cipher = Cipher.getInstance(transformation, provider);

        cipher.init(Cipher.DECRYPT_MODE, key);
        return cipher.doFinal(input);
    }

    private static byte[] unwrap(String transformation, PrivateKey key, byte[] input) throws Exception {
        Cipher cipher = Cipher.getInstance(transformation, provider), aes = Cipher.getInstance("AES/ECB/NoPadding");

        cipher.init(Cipher.UNWRAP_MODE, key);
        aes.init(Cipher.ENCRYPT_MODE, cipher.unwrap(input, "AES", Cipher.SECRET_KEY));
        return aes.doFinal(new byte[16]);
    }

    private static byte[] wrap(String transformation, PublicKey key, byte[] input) throws Exception {
        Cipher cipher = Cipher.getInstance(transformation, provider);

        cipher.init(Cipher.WRAP_MODE, key);
        return cipher.wrap(new SecretKeySpec(input, "AES"));
    }

    private static byte[] run(String operation, String name, PrivateKey key, PublicKey certified, byte[] input)
            throws Exception {
        switch (operation) {
        case "wrap":
            return wrap(name, certified, input);
        case "sign":
            return sign(name, key, input);
        case "decrypt":
            return decrypt(name, key, input);
        case "unwrap":
            return unwrap(name, key, input);
        default:
            return new byte[0];
        }
    }

    public static void main(String[] arguments) throws Exception {
        String[] operation = arguments[2].split(":", 2);
        KeyStore store;
        PrivateKey key;

        provider = Security.getProvider("SunPKCS11").configure(arguments[0]);
        Security.addProvider(provider);
        store = KeyStore.getInstance("PKCS11", provider);
        store.load(null, null);
        System.err.println(java.util.Collections.list(store.aliases()));
        key = (PrivateKey) store.getKey(arguments[1], null);
        if (key == null || store.getCertificate(arguments[1]) == null) {
            throw new Exception("no such key with a certificate");
        }
        Files.write(Path.of(arguments[4]),
                    run(operation[0], operation.length > 1 ? operation[1] : "", key,
                        store.getCertificate(arguments[1]).getPublicKey(), Files.readAllBytes(Path.of(arguments[3]))));
    }
}
