// functions.cc: the functions of assay.vector; classes are in index.cc and store.cc.
#include "assay/vector/codes.h"
#include "assay/vector/float_codec.h"
#include "assay/vector/top_k.h"

#include "support.h"

namespace assay::python {
namespace {

using vector::Hit;

using Ranking = std::pair<Output<std::uint32_t>, Output<float>>;  // rows and scores

// Hits of m queries as two arrays [m, k].
Ranking Split(const std::vector<Hit>& hits, std::size_t queries) {
  const std::size_t k = queries == 0 ? 0 : hits.size() / queries;
  std::vector<std::uint32_t> rows(hits.size());
  std::vector<float> scores(hits.size());
  for (std::size_t i = 0; i < hits.size(); ++i) {
    rows[i] = hits[i].row;
    scores[i] = hits[i].score;
  }
  return std::pair(ArrayOf(std::move(rows), {queries, k}),
                   ArrayOf(std::move(scores), {queries, k}));
}

void SameDim(std::size_t a, std::size_t b) {
  if (a != b) {
    Raise(Code::kInvalidArgument,
          "queries have " + std::to_string(a) + " dimensions, rows " + std::to_string(b));
  }
}

Ranking TopK(const FloatRows& queries, const FloatRows& rows, std::size_t k) {
  SameDim(queries.shape(1), rows.shape(1));
  auto hits = Take(
      Unlocked([&] { return vector::TopKBatch(SpanOf(queries), rows.shape(1), SpanOf(rows), k); }));
  return Split(hits, queries.shape(0));
}

Ranking TopKInt8(const FloatRows& queries, const Input<std::int8_t, 2>& values,
                 const FloatRow& scales, std::size_t k) {
  SameDim(queries.shape(1), values.shape(1));
  const vector::Int8Rows rows{SpanOf(values), SpanOf(scales)};
  auto hits =
      Take(Unlocked([&] { return vector::TopKBatch(SpanOf(queries), values.shape(1), rows, k); }));
  return Split(hits, queries.shape(0));
}

std::pair<Output<std::int8_t>, Output<float>> QuantizeRows(const FloatRows& rows) {
  std::vector<std::int8_t> values(rows.size());
  std::vector<float> scales(rows.shape(0));
  Take(Unlocked([&] { return vector::QuantizeRows(SpanOf(rows), rows.shape(1), values, scales); }));
  return std::pair(ArrayOf(std::move(values), {rows.shape(0), rows.shape(1)}),
                   ArrayOf(std::move(scales), {rows.shape(0)}));
}

Output<float> SimilarityMatrix(const FloatRows& rows) {
  const std::size_t n = rows.shape(0);
  std::vector<float> out(n * n);
  Take(Unlocked([&] { return vector::SimilarityMatrix(SpanOf(rows), rows.shape(1), out); }));
  return ArrayOf(std::move(out), {n, n});
}

Ranking MostSimilarRows(const FloatRows& rows, std::size_t k) {
  const std::size_t n = rows.shape(0);
  if (k == 0 || k > vector::kMaxTopK) {
    Raise(Code::kOutOfRange,
          "k is " + std::to_string(k) + ", not in 1 to " + std::to_string(vector::kMaxTopK));
  }
  std::vector<std::uint32_t> similar(n * k);
  std::vector<float> scores(n * k);
  Take(Unlocked(
      [&] { return vector::MostSimilarRows(SpanOf(rows), rows.shape(1), k, similar, scores); }));
  return std::pair(ArrayOf(std::move(similar), {n, k}), ArrayOf(std::move(scores), {n, k}));
}

nb::bytes EncodeFloats(const FloatRows& rows) {
  return BytesOf(
      Take(Unlocked([&] { return vector::EncodeFloatBlock(SpanOf(rows), rows.shape(1)); })));
}

Output<float> DecodeFloats(const nb::bytes& block, std::size_t first,
                           std::optional<std::size_t> count) {
  const auto opened = Take(vector::FloatBlock::Open(ViewOf(block)));
  if (first > opened.rows() || (count && *count > opened.rows() - first)) {
    Raise(Code::kOutOfRange, "the block has " + std::to_string(opened.rows()) +
                                 " rows; rows from " + std::to_string(first) + " were asked for");
  }
  const std::size_t rows = count.value_or(opened.rows() - first);
  std::vector<float> out(rows * opened.dim());
  Take(Unlocked([&] { return opened.Decode(first, out); }));
  return ArrayOf(std::move(out), {rows, opened.dim()});
}

void BindSearch(nb::module_& module) {
  module.attr("NO_ROW") = vector::kNoRow;
  module.def(
      "top_k", TopK, nb::arg("queries"), nb::arg("rows"), nb::arg("k"),
      "The k rows with the largest dot product with each query, best first, equal ones in\n"
      "row order. queries: float32 [m, dim]; rows: float32 [n, dim], both used in place where\n"
      "they are C-contiguous. Returns (rows uint32 [m, min(k, n)], scores float32). Places\n"
      "without a row that has a number as score hold NO_ROW and minus infinity.\n"
      "Raises OutOfRange unless 1 <= k <= 4096. Without the GIL.");
  module.def(
      "top_k_int8", TopKInt8, nb::arg("queries"), nb::arg("values"), nb::arg("scales"),
      nb::arg("k"),
      "top_k over rows of quantize_rows: values int8 [n, dim], scales float32 [n]. The query\n"
      "is rounded to 16 bits: scores are within 1e-3 of the two lengths.");
  module.def("quantize_rows", QuantizeRows, nb::arg("rows"),
             "float32 [n, dim] to (int8 [n, dim], scales float32 [n]): row r is values[r] *\n"
             "scales[r]. Raises InvalidArgument for a value that is not finite.");
  module.def("similarity_matrix", SimilarityMatrix, nb::arg("rows"),
             "All dot products of the rows with each other: float32 [n, n], symmetric to the bit.\n"
             "On all cores, without the GIL.");
  module.def(
      "most_similar_rows", MostSimilarRows, nb::arg("rows"), nb::arg("k"),
      "For each row the k others with the largest dot product, without the matrix in memory:\n"
      "(rows uint32 [n, k], scores float32 [n, k]).");
}

using vector::RabitqCodes;

void BindCodes(nb::module_& module) {
  module.def("encode_floats", EncodeFloats, nb::arg("rows"),
             "float32 [n, dim] in fewer bytes, bit for bit (docs/formats/vector-block.md).\n"
             "Raises InvalidArgument without a row.");
  module.def(
      "decode_floats", DecodeFloats, nb::arg("block"), nb::arg("first") = 0,
      nb::arg("count") = nb::none(),
      "Rows first, first + 1, ... of a block: float32 [count, dim]. Raises DataLoss for bytes\n"
      "that are no whole block, OutOfRange past the last row.");
  module.def(
      "precision_of",
      [](const nb::bytes& block) {
        return vector::NameOf(Take(vector::FloatBlock::Open(ViewOf(block))).precision());
      },
      nb::arg("block"),
      "What the block's values turned out to be: float32, float16, bfloat16, int8.");
  nb::class_<RabitqCodes>(
      module, "RabitqCodes",
      "Vectors in 1 or 4 bits a dimension, and dot products estimated from them\n"
      "(RaBitQ, arXiv 2405.12497 and 2409.09913). Immutable.")
      .def_static(
          "encode",
          [](const FloatRows& rows, std::size_t bits, std::uint64_t seed) {
            return Take(Unlocked(
                [&] { return RabitqCodes::Encode(SpanOf(rows), rows.shape(1), bits, seed); }));
          },
          nb::arg("rows"), nb::arg("bits") = 4, nb::arg("seed") = 1,
          "Codes of float32 [n, dim]. Raises OutOfRange for bits other than 1 and 4.")
      .def("__len__", &RabitqCodes::rows)
      .def_prop_ro("bits", &RabitqCodes::bits)
      .def_prop_ro("bytes_per_row", &RabitqCodes::bytes_per_row)
      .def(
          "estimate",
          [](const RabitqCodes& codes, const FloatRow& query) {
            std::vector<vector::DotEstimate> found(codes.rows());
            Take(Unlocked([&] { return codes.Estimate(SpanOf(query), found); }));
            std::vector<float> dots(found.size());
            std::vector<float> bounds(found.size());
            for (std::size_t i = 0; i < found.size(); ++i) {
              dots[i] = found[i].dot;
              bounds[i] = found[i].bound;
            }
            const std::size_t n = found.size();
            return std::pair(ArrayOf(std::move(dots), {n}), ArrayOf(std::move(bounds), {n}));
          },
          nb::arg("query"),
          "(dots float32 [n], bounds float32 [n]) for query float32 [dim]: the exact dot product "
          "is\n"
          "further off than its bound in at most about 8% of all cases.");
}

}  // namespace

void BindVector(nb::module_& module) {
  BindSearch(module);
  BindCodes(module);
}

}  // namespace assay::python
