#include <algorithm>

#include "assay/text/utf8.h"

#include "gen/unicode_tables.h"

namespace assay::text {

CharClass Classify(char32_t code_point) {
  if (code_point < gen::kClassLimit) {
    const std::size_t block = gen::kClassBlock[code_point >> 7];
    return static_cast<CharClass>(gen::kClassOf[block * 128 + (code_point & 127)]);
  }
  // Planes 2 and 3 hold Han only; plane 14 holds tags (format) and variation selectors (marks).
  if (code_point < 0x40000) return CharClass::kIdeograph;
  if (code_point >= 0xE0001 && code_point < 0xE0080) return CharClass::kFormat;
  if (code_point >= 0xE0100 && code_point < 0xE01F0) return CharClass::kMark;
  return CharClass::kOther;
}

char32_t FoldCase(char32_t code_point) {
  if (code_point < 0x80) return code_point - U'A' < 26U ? code_point + 32 : code_point;
  const auto* run = std::ranges::upper_bound(gen::kFoldRuns, code_point, {}, &gen::FoldRun::first);
  if (run == gen::kFoldRuns.begin()) return code_point;
  --run;
  if (code_point > run->last || (code_point - run->first) % run->step != 0) return code_point;
  return static_cast<char32_t>(static_cast<std::int32_t>(code_point) + run->delta);
}

void AppendFolded(std::string_view text, std::string& out) {
  out.reserve(out.size() + text.size());
  for (std::size_t offset = 0; offset < text.size();) {
    const auto byte = static_cast<unsigned char>(text[offset]);
    if (byte < 0x80) {
      out.push_back(static_cast<char>(FoldCase(byte)));
      ++offset;
      continue;
    }
    const Decoded decoded = DecodeUtf8(text, offset);
    if (decoded.valid) {
      AppendUtf8(FoldCase(decoded.code_point), out);
    } else {
      out.append(text, offset, decoded.size_bytes);
    }
    offset += decoded.size_bytes;
  }
}

}  // namespace assay::text
