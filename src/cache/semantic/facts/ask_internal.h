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

// What of a matter a question asks for (its cause, its cure, what it is, ...), one bit each; 0: it
// cannot be told. By the noun that "what is the" or "is there any" asks for and the verb of "how".
[[nodiscard]] std::uint16_t AspectsOf(std::string_view text, std::span<const text::Span> words,
                                      std::span<const std::string> lower,
                                      std::span<const std::string> lemma);
inline constexpr std::uint16_t kDefinition = 1;
// In words, of a single bit.
[[nodiscard]] std::string_view NameOfAspect(std::uint16_t aspects);

// 0: unknown. 1 to 7: by frequent words; above: by script. O(words).
[[nodiscard]] std::uint8_t LanguageOf(std::string_view text, std::span<const std::string> lower);

// Whether "what is it?" and a question of this kind cannot have the same answer.
[[nodiscard]] bool ConflictsWithDefinition(AskKind kind);

// Whether two kinds of question cannot have the same answer.
[[nodiscard]] bool Conflict(AskKind a, AskKind b);

}  // namespace assay::cache::internal
