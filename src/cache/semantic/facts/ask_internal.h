// What a question wants to know, and in which language.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "assay/cache/semantic/question.h"
#include "assay/text/span.h"

namespace assay::cache::internal {

// `words` are the spans of `text`, `lower` the same words in lower case.
[[nodiscard]] AskKind AskKindOf(std::string_view text, std::span<const text::Span> words,
                                std::span<const std::string> lower);

// 0: unknown. 1 to 7: by frequent words; above: by script. O(words).
[[nodiscard]] std::uint8_t LanguageOf(std::string_view text, std::span<const std::string> lower);

// Whether two kinds of question cannot have the same answer.
[[nodiscard]] bool Conflict(AskKind a, AskKind b);

}  // namespace assay::cache::internal
