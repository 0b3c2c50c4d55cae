"""A token by way of PyKCS11: pykcs11.py MODULE TOKEN KEY-ID(hex) OPERATION [FILE...]"""
import sys

import PyKCS11
from PyKCS11 import LowLevel as ck

library = PyKCS11.PyKCS11Lib()
ZEROS = bytes(32)
IV = bytes(16)


def open_session(module, label):
    library.load(module)
    for slot in library.getSlotList(tokenPresent=True):
        if library.getTokenInfo(slot).label.strip() == label:
            return library.openSession(slot, ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION)
    sys.exit("no token " + label)


def find(session, kind, key_id):
    found = session.findObjects([(ck.CKA_CLASS, kind), (ck.CKA_ID, key_id)])
    assert len(found) == 1, found
    return found[0]


def data_key_template():
    return [
        (ck.CKA_CLASS, ck.CKO_SECRET_KEY),
        (ck.CKA_KEY_TYPE, ck.CKK_AES),
        (ck.CKA_TOKEN, False),
        (ck.CKA_ENCRYPT, True),
        (ck.CKA_DECRYPT, True),
        (ck.CKA_SENSITIVE, False),
        (ck.CKA_EXTRACTABLE, True),
    ]


def generate(session):
    return session.generateKey(data_key_template() + [(ck.CKA_VALUE_LEN, 32)], PyKCS11.MechanismAESGENERATEKEY)


def mechanism(name):
    if name == "oaep-sha1":
        return PyKCS11.RSAOAEPMechanism(ck.CKM_SHA_1, ck.CKG_MGF1_SHA1)
    if name == "oaep-sha256":
        return PyKCS11.RSAOAEPMechanism(ck.CKM_SHA256, ck.CKG_MGF1_SHA256)
    return PyKCS11.Mechanism(ck.CKM_RSA_PKCS, None)


def wrap(session, key_id, how):
    """What one key encrypts, the other one, wrapped and unwrapped, decrypts; and has the same value."""
    key = generate(session)
    blob = bytes(session.wrapKey(find(session, ck.CKO_PUBLIC_KEY, key_id), key, mechanism(how)))
    again = session.unwrapKey(find(session, ck.CKO_PRIVATE_KEY, key_id), blob, data_key_template(), mechanism(how))
    values = [bytes(session.getAttributeValue(k, [ck.CKA_VALUE])[0]) for k in (key, again)]
    assert len(values[0]) == 32 and values[0] == values[1]
    aes = PyKCS11.Mechanism(ck.CKM_AES_CBC_PAD, IV)
    sealed = bytes(session.encrypt(again, ZEROS, aes))
    assert len(sealed) == 48 and bytes(session.decrypt(key, sealed, aes)) == ZEROS


def decrypt(session, key_id, how, source, target):
    with open(source, "rb") as blob, open(target, "wb") as out:
        out.write(bytes(session.decrypt(find(session, ck.CKO_PRIVATE_KEY, key_id), blob.read(), mechanism(how))))


def integer(number):
    """A part of a signature that is below 2^256, in DER."""
    digits = number.lstrip(b"\0") or b"\0"
    digits = b"\0" + digits if digits[0] & 0x80 else digits
    return bytes([2, len(digits)]) + digits


def sequence(raw):
    """ECDSA as PKCS#11 has it, in the form that everybody else has."""
    parts = integer(raw[: len(raw) // 2]) + integer(raw[len(raw) // 2 :])
    return bytes([0x30, len(parts)]) + parts


def sign(session, key_id, how, source, target):
    signing = {"rsa": ck.CKM_SHA256_RSA_PKCS, "ec": ck.CKM_ECDSA_SHA256}
    with open(source, "rb") as text, open(target, "wb") as out:
        key = find(session, ck.CKO_PRIVATE_KEY, key_id)
        signature = bytes(session.sign(key, text.read(), PyKCS11.Mechanism(signing[how], None)))
        out.write(sequence(signature) if how == "ec" else signature)


def main(module, label, key_id, operation, *rest):
    session = open_session(module, label)
    {"wrap": wrap, "decrypt": decrypt, "sign": sign}[operation](session, bytes.fromhex(key_id), *rest)
    session.closeSession()


main(*sys.argv[1:])
