"""assay.crypto, assay.cache and assay.tuner."""

import hashlib
import hmac

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay import cache, crypto, tuner
from assay.reference import cache as cache_twin
from assay.reference import crypto as crypto_twin
from assay.reference import tuner as tuner_twin


def test_hmac_agrees_with_the_standard_library():
    key = crypto.HmacKey(b"k" * 40)
    mac = key.sign(b"message")
    assert mac == hmac.digest(b"k" * 40, b"message", hashlib.sha256)
    assert key.verify(b"message", mac)
    assert not key.verify(b"massage", mac)
    assert not key.verify(b"message", mac[:-1])
    batch = key.sign_batch([b"message", b"other"])
    assert batch.shape == (2, 32)
    assert batch[0].tobytes() == mac


def test_derived_keys_follow_rfc_5869():
    found = crypto.derive_key(b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)), 42)
    assert found.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    with pytest.raises(assay.OutOfRange):
        crypto.derive_key(b"a", b"", b"", 8161)


def test_checksum_of_rfc_3720():
    assert crypto.crc32c(bytes(32)) == 0x8A9136AA
    assert crypto.crc32c(b"56789", crypto.crc32c(b"1234")) == crypto.crc32c(b"123456789") == 0xE3069283


def test_random_bytes_are_not_the_same_twice():
    assert crypto.random_bytes(32) != crypto.random_bytes(32)
    assert crypto.constant_time_equal(b"a", b"a") and not crypto.constant_time_equal(b"a", b"b")


@pytest.mark.native
def test_sealed_bytes_open_for_the_same_purpose_only(tmp_path):
    ring = crypto.KeyRing.generate()
    sealer = crypto.Sealer(ring, "tests")
    sealed = sealer.seal(b"secret", b"id 1")
    assert len(sealed) == 6 + 48
    assert sealer.open(sealed, b"id 1") == b"secret"
    for aad, changed in ((b"id 2", sealed), (b"id 1", sealed[:-1] + bytes([sealed[-1] ^ 1]))):
        with pytest.raises(assay.DataLoss):
            sealer.open(changed, aad)
    with pytest.raises(assay.DataLoss):
        crypto.Sealer(ring, "others").open(sealed, b"id 1")
    ring.save(str(tmp_path / "ring.keys"))
    assert crypto.Sealer(crypto.KeyRing.load(str(tmp_path / "ring.keys")), "tests").open(sealed, b"id 1") == b"secret"


@pytest.mark.native
def test_argon2id_of_rfc_9106():
    found = crypto.argon2id(
        b"\1" * 32, b"\2" * 16, memory_kib=32, passes=3, lanes=4, secret=b"\3" * 8, associated=b"\4" * 12
    )
    assert found.hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    phc = crypto.hash_password("open sesame", memory_kib=64, passes=1)
    assert crypto.verify_password("open sesame", phc) and not crypto.verify_password("close", phc)
    with pytest.raises(assay.InvalidArgument):
        crypto.verify_password("a", "not a hash")


@pytest.mark.native
@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=20), st.integers(1, 100))
def test_crypto_equals_its_twin(key, message, salt, size):
    assert crypto.HmacKey(key).sign(message) == crypto_twin.HmacKey(key).sign(message)
    assert crypto.crc32c(message) == crypto_twin.crc32c(message)
    assert crypto.derive_key(key, salt, message, size) == crypto_twin.derive_key(key, salt, message, size)


def test_cache_finds_what_was_put_until_it_expires():
    held = cache.MemoryCache(capacity_bytes=1 << 20)
    assert held.get(b"a") is None
    assert held.put(b"a", b"value", ttl_ms=100, now_ms=1000)
    assert held.get(b"a", now_ms=1099) == b"value"
    assert held.get(b"a", now_ms=1100) is None
    held.put(b"b", b"other", now_ms=1000)
    assert held.get_many([b"b", b"c"], now_ms=1000) == [b"other", None]
    assert held.erase(b"b") and not held.erase(b"b")
    assert held.stats().hits == 2


def test_cache_purges_by_tenant_and_stays_within_its_bounds():
    held = cache.MemoryCache(capacity_bytes=64 << 20)
    for number in range(10):
        held.put(b"%d" % number, b"v", tenant=f"t{number % 2}", route="r")
    assert held.purge(tenant="t0") == 5
    assert len(held) == 5
    assert held.purge() == 5
    small = cache.MemoryCache(capacity_bytes=1 << 20, shards=1)
    for number in range(3000):
        small.put(b"%d" % number, bytes(1000))
    assert small.stats().evictions > 0
    assert small.stats().size_bytes <= 1 << 20
    with pytest.raises(assay.InvalidArgument):
        cache.MemoryCache(capacity_bytes=0)


@pytest.mark.native
@given(
    st.lists(
        st.tuples(st.sampled_from("pge"), st.sampled_from([b"a", b"b", b"c"]), st.binary(max_size=9), st.integers(0, 3)),
        max_size=40,
    )
)
def test_cache_with_room_equals_its_twin(steps):
    held, other = cache.MemoryCache(capacity_bytes=1 << 20), cache_twin.MemoryCache()
    for now, (kind, key, value, ttl) in enumerate(steps, 1):
        if kind == "p":
            assert held.put(key, value, ttl, now_ms=now) == other.put(key, value, ttl, now_ms=now)
        elif kind == "g":
            assert held.get(key, now_ms=now) == other.get(key, now_ms=now)
        else:
            held.erase(key), other.erase(key)


SHARE = np.array([0.5, 0.5])
QUALITY = np.array([[0.9, 0.8], [0.5, 0.9]])
COST = np.array([[5.0, 1.0], [5.0, 1.0]])


def test_the_cheapest_policy_that_is_good_enough():
    assert tuner.enumerate_policies(SHARE, QUALITY, COST, 0.85) == [1, 1]
    assert tuner.enumerate_policies(SHARE, QUALITY, COST, 0.9) == [0, 1]
    assert tuner.policy_value(SHARE, QUALITY, COST, [0, 1]) == pytest.approx((0.9, 3.0))
    with pytest.raises(assay.FailedPrecondition, match="no policy reaches"):
        tuner.enumerate_policies(SHARE, QUALITY, COST, 0.95)
    with pytest.raises(assay.InvalidArgument):
        tuner.policy_value(SHARE, QUALITY, COST, [0, 2])


@pytest.mark.native
def test_minimum_of_a_python_function():
    box = [("x", "continuous", -5.0, 5.0), ("n", "integer", -3.0, 3.0)]
    found = tuner.minimize(box, lambda p: (p[0] - 1.5) ** 2 + (p[1] + 2) ** 2, evaluations=3000)
    assert found["best"] == pytest.approx([1.5, -2], abs=1e-3)
    bound = tuner.minimize(box[:1], lambda p: (p[0] ** 2, max(0.0, 2 - p[0])), evaluations=2000)
    assert bound["best"] == pytest.approx([2], abs=1e-3)


@pytest.mark.native
def test_what_the_function_raises_comes_back():
    with pytest.raises(ZeroDivisionError):
        tuner.minimize([("x", "continuous", 0.0, 1.0)], lambda p: 1 / 0)
    with pytest.raises(assay.InvalidArgument):
        tuner.minimize([("x", "continuous", 1.0, 0.0)], lambda p: 0.0)


@pytest.mark.native
def test_outcomes_become_a_table():
    lines = '{"prompt": "p", "class": "a", "correct": {"m": true, "n": false}}\n' * 4
    table = tuner.tabulate(lines)
    assert (table["classes"], table["models"]) == (["a"], ["m", "n"])
    np.testing.assert_allclose(table["quality"], [[1, 0]])


@pytest.mark.native
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**32), st.floats(0, 1))
def test_policies_equal_their_twins(classes, models, seed, least):
    rng = np.random.default_rng(seed)
    share, quality, cost = rng.dirichlet(np.ones(classes)), rng.random((classes, models)), rng.random((classes, models))
    try:
        expected = tuner_twin.enumerate_policies(share, quality, cost, least)
    except assay.FailedPrecondition:
        with pytest.raises(assay.FailedPrecondition):
            tuner.enumerate_policies(share, quality, cost, least)
        return
    assert tuner.enumerate_policies(share, quality, cost, least) == expected
