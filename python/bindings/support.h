// support.h: what every file of the bindings needs: errors, texts and arrays between Python and
// C++. Part of: python.  Threads: with the GIL unless said otherwise.
#pragma once
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "assay/core/result.h"
#include "assay/text/span.h"

namespace assay::python {

namespace nb = nanobind;

// An assay::Error on its way to Python, where it becomes the class of assay.errors for its code.
class Raised : public std::exception {
 public:
  explicit Raised(Error error) : error_(std::move(error)) {}
  [[nodiscard]] const char* what() const noexcept override { return error_.message.c_str(); }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
};

[[noreturn]] inline void Raise(Code code, std::string message) {
  throw Raised(Error{code, std::move(message)});
}

template <typename T>
T Take(Result<T> result) {
  if (!result) throw Raised(std::move(result).error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Runs something long without the GIL. What it uses must not be a Python object.
template <typename Work>
auto Unlocked(Work&& work) {
  const nb::gil_scoped_release unlocked;
  return std::forward<Work>(work)();
}

// Bytes of a Python `bytes`, valid while that lives.
[[nodiscard]] inline std::string_view ViewOf(const nb::bytes& bytes) {
  return {bytes.c_str(), bytes.size()};
}
[[nodiscard]] inline nb::bytes BytesOf(std::string_view bytes) {
  return nb::bytes(bytes.data(), bytes.size());
}

// The texts of a sequence of str, as UTF-8 without a copy where Python has that already. Holds the
// strings, so the views stay valid without the GIL and whatever happens to the sequence.
class Texts {
 public:
  // Errors: TypeError for a str in the place of a sequence, or something else than str in it;
  // UnicodeEncodeError for lone surrogates.
  explicit Texts(const nb::object& sequence);

  [[nodiscard]] std::span<const std::string_view> views() const { return views_; }
  [[nodiscard]] std::size_t size() const { return views_.size(); }

 private:
  nb::object held_;
  std::vector<std::string_view> views_;
};

// Byte offsets of UTF-8 to indices of the Python string, for offsets that mostly rise.
class Indices {
 public:
  explicit Indices(std::string_view text) : text_(text) {}
  [[nodiscard]] std::size_t Of(std::size_t byte);

 private:
  std::string_view text_;
  std::size_t byte_ = 0;
  std::size_t index_ = 0;
};

// Spans of a text's bytes become spans of its characters.
inline void ToCharacters(std::string_view text, std::span<text::Span> spans) {
  Indices indices(text);
  for (text::Span& span : spans) {
    span.begin = static_cast<std::uint32_t>(indices.Of(span.begin));
    span.end = static_cast<std::uint32_t>(indices.Of(span.end));
  }
}

using Record = nb::typed<nb::dict, nb::str, nb::any>;

template <typename T, std::size_t kDims>
using Input = nb::ndarray<const T, nb::ndim<kDims>, nb::c_contig, nb::device::cpu>;
using FloatRows = Input<float, 2>;  // [n, dim]
using FloatRow = Input<float, 1>;
using Doubles = Input<double, 1>;

template <typename T>
using Output = nb::ndarray<nb::numpy, T>;

// The elements in memory order; the array is C-contiguous.
template <typename... Of>
[[nodiscard]] auto SpanOf(const nb::ndarray<Of...>& array) {
  return std::span(array.data(), array.size());
}

// A NumPy array that takes the vector's memory over.
template <typename T>
[[nodiscard]] Output<T> ArrayOf(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto kept = std::make_unique<std::vector<T>>(std::move(values));
  T* const data = kept->data();
  const nb::capsule owner(kept.get(),
                          [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  kept.release();  // NOLINT(bugprone-unused-return-value): the capsule owns it now
  return Output<T>(data, shape, owner);
}

void BindText(nb::module_& module);
void BindVector(nb::module_& module);
void BindVectorIndex(nb::module_& module);
void BindVectorStore(nb::module_& module);
void BindExperiments(nb::module_& module);
void BindDistributions(nb::module_& module);
void BindLive(nb::module_& module);
void BindCrypto(nb::module_& module);
void BindKeys(nb::module_& module);
void BindConsensus(nb::module_& module);
void BindEmbed(nb::module_& module);
void BindCorpus(nb::module_& module);
void BindClaims(nb::module_& module);
void BindShared(nb::module_& module);
void BindCache(nb::module_& module);
void BindTuner(nb::module_& module);

}  // namespace assay::python
