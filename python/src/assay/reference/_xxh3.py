"""XXH3 with 64 bits and a seed, by its specification (Collet, xxHash 0.8), in steps that can be read."""

_MASK = (1 << 64) - 1
_PRIME32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
_PRIME64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
_STRIPE_BYTES = 64
_BLOCK_STRIPES = (len(_SECRET) - _STRIPE_BYTES) // 8


def _at(data: bytes, place: int, size: int = 8) -> int:
    return int.from_bytes(data[place : place + size], "little")


def _fold(a: int, b: int) -> int:
    """Both halves of the product of 128 bits, xored."""
    product = (a & _MASK) * (b & _MASK)
    return product >> 64 ^ product & _MASK


def _rotated(x: int, by: int) -> int:
    return (x << by | x >> (64 - by)) & _MASK


def _swapped(x: int, size: int) -> int:
    return int.from_bytes(x.to_bytes(size, "little"), "big")


def _avalanche(h: int) -> int:
    h = (h ^ h >> 37) * 0x165667919E3779F9 & _MASK
    return h ^ h >> 32


def _short(data: bytes, seed: int) -> int:
    """At most 16 bytes."""
    n = len(data)
    if n > 8:
        low = _at(data, 0) ^ (_at(_SECRET, 24) ^ _at(_SECRET, 32)) + seed & _MASK
        high = _at(data, n - 8) ^ (_at(_SECRET, 40) ^ _at(_SECRET, 48)) - seed & _MASK
        return _avalanche(n + _swapped(low, 8) + high + _fold(low, high) & _MASK)
    if n >= 4:
        seed ^= _swapped(seed & 0xFFFFFFFF, 4) << 32
        both = _at(data, n - 4, 4) + (_at(data, 0, 4) << 32)
        h = both ^ (_at(_SECRET, 8) ^ _at(_SECRET, 16)) - seed & _MASK
        h = (h ^ _rotated(h, 49) ^ _rotated(h, 24)) * 0x9FB21C651E98DF25 & _MASK
        h = (h ^ (h >> 35) + n) * 0x9FB21C651E98DF25 & _MASK
        return h ^ h >> 28
    if n:
        h = data[0] << 16 | data[n >> 1] << 24 | data[n - 1] | n << 8
        h ^= (_at(_SECRET, 0, 4) ^ _at(_SECRET, 4, 4)) + seed & _MASK
    else:
        h = seed ^ _at(_SECRET, 56) ^ _at(_SECRET, 64)
    h = (h ^ h >> 33) * _PRIME64[1] & _MASK
    h = (h ^ h >> 29) * _PRIME64[2] & _MASK
    return h ^ h >> 32


def _mixed(data: bytes, place: int, secret: int, seed: int) -> int:
    return _fold(_at(data, place) ^ _at(_SECRET, secret) + seed & _MASK,
                 _at(data, place + 8) ^ _at(_SECRET, secret + 8) - seed & _MASK)  # fmt: skip


def _middle(data: bytes, seed: int) -> int:
    """17 to 240 bytes."""
    n = len(data)
    h = n * _PRIME64[0]
    if n <= 128:
        for i in range((n + 31) // 32):
            h += _mixed(data, 16 * i, 32 * i, seed) + _mixed(data, n - 16 * (i + 1), 32 * i + 16, seed)
        return _avalanche(h & _MASK)
    h = _avalanche(h + sum(_mixed(data, 16 * i, 16 * i, seed) for i in range(8)) & _MASK)
    h += sum(_mixed(data, 16 * i, 16 * (i - 8) + 3, seed) for i in range(8, n // 16))
    return _avalanche(h + _mixed(data, n - 16, 136 - 17, seed) & _MASK)


def _long(data: bytes, seed: int) -> int:
    """241 bytes and more: eight lanes over stripes of 64 bytes, scrambled after each block of 16."""
    n = len(data)
    secret = b"".join(
        ((_at(_SECRET, i) + (seed if i % 16 == 0 else -seed)) & _MASK).to_bytes(8, "little")
        for i in range(0, len(_SECRET), 8)
    )
    lanes = [_PRIME32[2], *_PRIME64[:4], _PRIME32[1], _PRIME64[4], _PRIME32[0]]

    def take(place: int, key: int) -> None:
        for lane in range(8):
            value = _at(data, place + 8 * lane)
            keyed = value ^ _at(secret, key + 8 * lane)
            lanes[lane ^ 1] = lanes[lane ^ 1] + value & _MASK
            lanes[lane] = lanes[lane] + (keyed & 0xFFFFFFFF) * (keyed >> 32) & _MASK

    stripes = (n - 1) // _STRIPE_BYTES
    for stripe in range(stripes):
        take(stripe * _STRIPE_BYTES, 8 * (stripe % _BLOCK_STRIPES))
        if stripe % _BLOCK_STRIPES == _BLOCK_STRIPES - 1:
            for lane in range(8):
                mixed = lanes[lane] ^ lanes[lane] >> 47 ^ _at(secret, len(secret) - _STRIPE_BYTES + 8 * lane)
                lanes[lane] = mixed * _PRIME32[0] & _MASK
    take(n - _STRIPE_BYTES, len(secret) - _STRIPE_BYTES - 7)
    h = n * _PRIME64[0]
    for i in range(4):
        h += _fold(lanes[2 * i] ^ _at(secret, 11 + 16 * i), lanes[2 * i + 1] ^ _at(secret, 19 + 16 * i))
    return _avalanche(h & _MASK)


def xxh3_64(data: bytes, seed: int = 0) -> int:
    """The hash of any bytes. O(n)."""
    if len(data) <= 16:
        return _short(data, seed)
    return _middle(data, seed) if len(data) <= 240 else _long(data, seed)
