// assay/embed/encoder.h: text to vectors.
// Room: embed (uses core, text).
#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include "assay/core/result.h"

namespace assay::embed {

// Turns texts into vectors of length 1, whose dot product is their similarity in [-1, 1].
// Threads: Encode may be called by many threads at once.
class Encoder {
 public:
  virtual ~Encoder() = default;

  // Identifies model and version; vectors of different names must never be compared.
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::size_t dim() const = 0;

  // Writes one vector per text, in the order of the texts. Shapes: out [texts.size() * dim()]
  // row-major. A text without a single known word gives the zero vector; invalid UTF-8 is read as
  // U+FFFD; text beyond the model's window is cut. A result never depends on what else is in the
  // batch (beyond 1e-5). Errors: kInvalidArgument if out has another size; kInternal if the
  // inference engine fails.
  [[nodiscard]] virtual Result<void> Encode(std::span<const std::string_view> texts,
                                            std::span<float> out) const = 0;
};

}  // namespace assay::embed
