#include <algorithm>
#include <bit>
#include <cstring>

#include "quantity/lexicon/lexicon_internal.h"
#include "quantity/lexicon/unit_table_internal.h"
#include "quantity/lexicon/word_table_internal.h"

namespace assay::text::quantity {
namespace {

constexpr std::size_t kMaxEntries = 640;
constexpr std::size_t kSlots = 2048;  // a load of about a fifth: most look-ups meet one slot

// A word as two overlapping words of eight bytes, lower-cased by one OR: with its length that is
// the whole word, and comparing it is comparing integers.
struct Key {
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  std::uint32_t length = 0;
  friend constexpr bool operator==(const Key&, const Key&) = default;
};

constexpr std::uint64_t kLowerCase = 0x2020202020202020ULL;

constexpr std::uint64_t LoadBytes(const char* bytes, std::size_t count) {
  std::uint64_t value = 0;
  if consteval {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t place = std::endian::native == std::endian::little ? i : 7 - i;
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << 8U * place;
    }
  } else {
    std::memcpy(&value, bytes, count);
  }
  return value;
}

// Requires: 1 <= word.size() <= kMaxWordBytes.
constexpr Key KeyOf(std::string_view word) {
  const auto length = static_cast<std::uint32_t>(word.size());
  const char* bytes = word.data();
  Key key{0, 0, length};
  if (length >= 8) {
    key.head = LoadBytes(bytes, 8);
    key.tail = LoadBytes(bytes + length - 8, 8);
  } else if (length >= 4) {
    key.head = LoadBytes(bytes, 4);
    key.tail = LoadBytes(bytes + length - 4, 4);
  } else {
    key.head = LoadBytes(bytes, 1);
    key.tail = LoadBytes(bytes + length / 2, 1) | LoadBytes(bytes + length - 1, 1) << 8U;
  }
  key.head |= kLowerCase;
  key.tail |= kLowerCase;
  return key;
}

// Multiply and fold (Knuth, TAOCP 3, 6.4).
constexpr std::uint32_t HashOf(const Key& key) {
  const std::uint64_t mixed = (key.head ^ (key.tail * 0x9E3779B97F4A7C15ULL) ^ key.length);
  return static_cast<std::uint32_t>((mixed * 0xD6E8FEB86659FD93ULL) >> 40U) % kSlots;
}

struct Lexicon {
  std::array<Entry, kMaxEntries> entries{};
  std::array<Key, kMaxEntries> keys{};
  std::array<std::uint16_t, kSlots> slots{};  // 0 = empty, else index + 1
  std::size_t count = 0;

  constexpr void Add(const Entry& entry) {
    const Key key = KeyOf(entry.word);
    std::uint32_t slot = HashOf(key);
    while (slots[slot] != 0) {
      Entry& other = entries[slots[slot] - 1U];
      if (keys[slots[slot] - 1U] == key) {  // a second role of the same word
        other.roles |= entry.roles;
        if (entry.unit != 0) other.unit = entry.unit;
        return;
      }
      slot = (slot + 1) % kSlots;
    }
    entries[count] = entry;
    keys[count] = key;
    slots[slot] = static_cast<std::uint16_t>(++count);
  }

  constexpr void AddUnit(std::string_view word, std::uint8_t unit) {
    if (word.empty() || word.size() > kMaxWordBytes || word.find(' ') != word.npos) return;
    Add({word, kUnitWord, 0, 0, unit, 0});
  }

  constexpr Lexicon() {
    for (const Entry& entry : kWords) Add(entry);
    for (std::size_t i = 1; i < kUnits.size(); ++i) {
      const auto unit = static_cast<std::uint8_t>(i);
      AddUnit(kUnits[i].singular, unit);
      AddUnit(kUnits[i].plural, unit);
      std::string_view rest = kUnits[i].words;
      while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        AddUnit(rest.substr(0, end), unit);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
  }
};

constexpr Lexicon kLexicon;

// Symbols such as "km" and "GB", packed into one integer each, in a table of their own: case
// matters.
constexpr std::size_t kMaxSymbolBytes = 5;
constexpr std::size_t kSymbolSlots = 512;

constexpr std::uint64_t PackedSymbol(std::string_view symbol) {
  std::uint64_t packed = 0;
  for (const char c : symbol) packed = packed << 8U | static_cast<unsigned char>(c);
  return packed;
}

constexpr std::size_t SymbolSlot(std::uint64_t packed) {
  return (packed * 0xD6E8FEB86659FD93ULL >> 32U) % kSymbolSlots;
}

struct Symbols {
  std::array<std::uint64_t, kSymbolSlots> packed{};
  std::array<std::uint8_t, kSymbolSlots> unit{};

  constexpr Symbols() {
    for (std::size_t i = 1; i < kUnits.size(); ++i) {
      std::string_view rest = kUnits[i].symbols;
      while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        const std::uint64_t symbol = PackedSymbol(rest.substr(0, end));
        std::size_t slot = SymbolSlot(symbol);
        while (packed[slot] != 0) slot = (slot + 1) % kSymbolSlots;
        packed[slot] = symbol;
        unit[slot] = static_cast<std::uint8_t>(i);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
  }
};

constexpr Symbols kSymbols;

}  // namespace

constinit const std::array<std::array<std::uint32_t, 32>, 32> kTriggerLengths = [] {
  std::array<std::array<std::uint32_t, 32>, 32> lengths{};
  for (std::size_t i = 0; i < kLexicon.count; ++i) {
    const Entry& entry = kLexicon.entries[i];
    if ((entry.roles & kTrigger) == 0) continue;
    const auto first = static_cast<unsigned char>(entry.word.front());
    const auto last = static_cast<unsigned char>(entry.word.back());
    lengths[first & 31U][last & 31U] |= 1U << entry.word.size();
  }
  return lengths;
}();

const Entry* FindWord(std::string_view word) {
  if (word.empty() || word.size() > kMaxWordBytes) return nullptr;
  const Key key = KeyOf(word);
  for (std::uint32_t slot = HashOf(key); kLexicon.slots[slot] != 0; slot = (slot + 1) % kSlots) {
    const std::size_t index = kLexicon.slots[slot] - 1U;
    if (kLexicon.keys[index] == key) return &kLexicon.entries[index];
  }
  return nullptr;
}

std::uint8_t FindUnitSymbol(std::string_view symbol) {
  if (symbol.empty() || symbol.size() > kMaxSymbolBytes) return 0;
  const std::uint64_t packed = PackedSymbol(symbol);
  for (std::size_t slot = SymbolSlot(packed); kSymbols.packed[slot] != 0;
       slot = (slot + 1) % kSymbolSlots) {
    if (kSymbols.packed[slot] == packed) return kSymbols.unit[slot];
  }
  return 0;
}

std::uint8_t FindUnitName(std::string_view singular) {
  for (std::size_t i = 1; i < kUnits.size(); ++i) {
    if (kUnits[i].singular == singular) return static_cast<std::uint8_t>(i);
  }
  return 0;
}

const Unit& UnitOf(std::uint8_t unit) {
  return kUnits[unit < kUnits.size() ? unit : 0];
}

std::string_view CurrencySymbol(std::uint32_t code) {
  switch (code) {
    case kBareDollar:
      return "$";
    case CurrencyCode("EUR"):
      return "€";
    case CurrencyCode("GBP"):
      return "£";
    case CurrencyCode("JPY"):
      return "¥";
    case CurrencyCode("INR"):
      return "₹";
    default:
      return "";
  }
}

}  // namespace assay::text::quantity
