// provider/http/answer_json.h: vectors out of a server's JSON.
// Room: embed (private).  Threads: pure functions.
// An answer that cannot be read is kUnavailable: a proxy or a cut connection wrote it, and the next
// try may be whole. Another dimension than the one that was asked for is kFailedPrecondition.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::embed::internal {

// {"data":[{"index":0,"embedding":[...] or "base64"}],"usage":{"prompt_tokens":n}}
// Shapes: out [texts * dim]. Returns the tokens, 0 where it does not say.
[[nodiscard]] Result<std::uint64_t> ReadOpenAiAnswer(std::string_view body, std::size_t dim,
                                                     std::span<float> out);

// {"embedding":[...],"inputTextTokenCount":n}.  Shapes: out [dim].
[[nodiscard]] Result<std::uint64_t> ReadTitanAnswer(std::string_view body, std::span<float> out);

// The human words of an error answer: `message`, `Message` or `error.message`; empty without.
[[nodiscard]] std::string ReadErrorMessage(std::string_view body);

// A JSON string with its quotes. Ill-formed UTF-8 becomes U+FFFD.
[[nodiscard]] std::string JsonString(std::string_view text);

}  // namespace assay::embed::internal
