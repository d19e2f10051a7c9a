#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "semantic/store/bytes_internal.h"
#include "semantic/store/record_internal.h"

namespace assay::cache::internal {
namespace {

constexpr std::uint32_t kMostCandidates = 1024;

void Write(FieldWriter& out, const HeadRecord& head) {
  out.PutBytes(head.fast);
  out.PutBytes(head.precise);
  out.Put(head.fast_dim);
  out.Put(head.precise_dim);
  out.Put(head.model);
}

void Read(FieldReader& in, HeadRecord& head) {
  in.GetBytes(head.fast);
  in.GetBytes(head.precise);
  in.Get(head.fast_dim);
  in.Get(head.precise_dim);
  in.Get(head.model);
}

void Write(FieldWriter& out, const StoredRow& row) {
  out.Put(row.scale);
  out.PutBytes(core::BytesOfAll(row.values));
}

void Read(FieldReader& in, StoredRow& row) {
  in.Get(row.scale);
  std::string_view bytes;
  in.GetBytes(bytes);
  if (!std::isfinite(row.scale)) in.Fail();
  row.values.resize(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) row.values[i] = static_cast<std::int8_t>(bytes[i]);
}

void Write(FieldWriter& out, const core::Hash128& hash) {
  out.Put(hash.high);
  out.Put(hash.low);
}

void Read(FieldReader& in, core::Hash128& hash) {
  in.Get(hash.high);
  in.Get(hash.low);
}

void Write(FieldWriter& out, const InsertRecord& record) {
  out.Put(record.id);
  out.Put(record.group);
  Write(out, record.context);
  Write(out, record.answer);
  out.Put(record.expires_ms);
  out.Put(record.right);
  out.Put(record.wrong);
  out.PutBytes(record.question);
  Write(out, record.fast);
  Write(out, record.precise);
}

void Read(FieldReader& in, InsertRecord& record) {
  in.Get(record.id);
  in.Get(record.group);
  Read(in, record.context);
  Read(in, record.answer);
  in.Get(record.expires_ms);
  in.Get(record.right);
  in.Get(record.wrong);
  in.GetBytes(record.question);
  Read(in, record.fast);
  Read(in, record.precise);
}

void Write(FieldWriter& out, const EraseRecord& record) {
  out.Put(record.id);
}

void Read(FieldReader& in, EraseRecord& record) {
  in.Get(record.id);
}

void Write(FieldWriter&, const ClearRecord&) {}

void Read(FieldReader&, ClearRecord&) {}

void Write(FieldWriter& out, const CountRecord& record) {
  out.Put(record.unlabelled);
  out.Put(record.requests);
  out.Put(record.hits);
  out.Put(record.refused_by_fact);
  out.Put(record.ruled_out_fast);
}

void Read(FieldReader& in, CountRecord& record) {
  in.Get(record.unlabelled);
  in.Get(record.requests);
  in.Get(record.hits);
  in.Get(record.refused_by_fact);
  in.Get(record.ruled_out_fast);
}

void Write(FieldWriter& out, const LearnRecord& record) {
  out.Put(record.weight);
  out.Put(record.trial);
  out.Put(std::uint8_t{record.wrong});
  out.Put(record.best_entry);
  out.Put(std::uint8_t{record.best_same});
  out.Put(static_cast<std::uint32_t>(record.candidates.size()));
  for (const auto& candidate : record.candidates) {
    out.Put(candidate.features.values);
    out.Put(std::uint8_t{candidate.same});
    out.Put(std::uint8_t{candidate.best});
    out.Put(std::uint8_t{candidate.vetoed});
  }
}

void Read(FieldReader& in, LearnRecord& record) {
  in.Get(record.weight);
  auto trial = std::uint8_t{0};
  in.Get(trial);
  record.trial = static_cast<LearnRecord::Trial>(trial);
  record.wrong = in.GetFlag();
  in.Get(record.best_entry);
  record.best_same = in.GetFlag();
  std::uint32_t count = 0;
  in.Get(count);
  if (trial > 2 || !std::isfinite(record.weight) || record.weight < 0 || count > kMostCandidates) {
    in.Fail();
  }
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    SameAnswerLearner::Labelled& candidate = record.candidates.emplace_back();
    in.Get(candidate.features.values);
    for (const float value : candidate.features.values) {
      if (!std::isfinite(value)) in.Fail();
    }
    candidate.same = in.GetFlag();
    candidate.best = in.GetFlag();
    candidate.vetoed = in.GetFlag();
  }
}

void Write(FieldWriter& out, const LearnedRecord& record) {
  out.Put(record.next_entry);
  out.Put(record.refused_by_fact);
  out.Put(record.ruled_out_fast);
  out.PutBytes(record.learner);
  out.PutBytes(record.guard);
}

void Read(FieldReader& in, LearnedRecord& record) {
  in.Get(record.next_entry);
  in.Get(record.refused_by_fact);
  in.Get(record.ruled_out_fast);
  in.GetBytes(record.learner);
  in.GetBytes(record.guard);
}

template <std::size_t kType>
Result<SemanticRecord> DecodeAs(std::string_view bytes) {
  std::variant_alternative_t<kType, SemanticRecord> record;
  FieldReader in(bytes);
  Read(in, record);
  if (!in.done()) {
    return Fail(Code::kDataLoss,
                fmt::format("a record of kind {} has fields that do not fit", kType));
  }
  return SemanticRecord(std::move(record));
}

}  // namespace

std::string Encode(const SemanticRecord& record) {
  std::string bytes(1, static_cast<char>(record.index()));
  FieldWriter out(bytes);
  std::visit([&out](const auto& one) { Write(out, one); }, record);
  return bytes;
}

Result<SemanticRecord> Decode(std::string_view bytes) {
  if (bytes.empty()) return Fail(Code::kDataLoss, "a record without a kind");
  const std::string_view fields = bytes.substr(1);
  switch (static_cast<unsigned char>(bytes[0])) {
    case 0:
      return DecodeAs<0>(fields);
    case 1:
      return DecodeAs<1>(fields);
    case 2:
      return DecodeAs<2>(fields);
    case 3:
      return DecodeAs<3>(fields);
    case 4:
      return DecodeAs<4>(fields);
    case 5:
      return DecodeAs<5>(fields);
    case 6:
      return DecodeAs<6>(fields);
    default:
      return Fail(Code::kDataLoss, "a record of a kind that is not known");
  }
}

}  // namespace assay::cache::internal
