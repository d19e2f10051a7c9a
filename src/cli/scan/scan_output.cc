#include "scan/scan_output.h"

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "json_output.h"

namespace assay::cli {
namespace {

constexpr double kNsPerMs = 1e6;

boost::json::object ToJson(const scan::Service& service) {
  boost::json::array models;
  for (const scan::ServedModel& model : service.models) {
    boost::json::object one{{"id", model.id}};
    if (model.context_tokens != 0) one["context_tokens"] = model.context_tokens;
    models.push_back(std::move(one));
  }
  boost::json::object out{{"address", service.address.Text()},
                          {"port", service.port},
                          {"service", scan::ServiceName(service.kind)},
                          {"tls", service.tls},
                          {"openai_compatible", service.openai},
                          {"needs_key", service.needs_key},
                          {"connect_ms", static_cast<double>(service.connect_ns) / kNsPerMs}};
  if (!service.version.empty()) out["version"] = service.version;
  if (service.openai) {
    out["base_url"] = service.BaseUrl();
    out["models"] = std::move(models);
  }
  return out;
}

std::string Details(const scan::Service& service) {
  std::string details;
  for (const scan::ServedModel& model : service.models) {
    if (!details.empty()) details += ", ";
    details += model.id;
    if (model.context_tokens != 0) details += fmt::format(" ({} tokens)", model.context_tokens);
  }
  if (service.needs_key) details = "asks for a key";
  return details;
}

// "2026-11-22T11:05:00.250Z"
std::string TimeText(std::int64_t wall_ns) {
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> time{milliseconds{wall_ns / 1'000'000}};
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string EndpointOf(const scan::Service& service) {
  return scan::EndpointText(service.address, service.port);
}

}  // namespace

std::string ScanJson(const ScanOutput& output) {
  const scan::Findings& found = output.findings;
  boost::json::array services;
  for (const scan::Service& service : found.services) services.push_back(ToJson(service));
  boost::json::object out{{"services", std::move(services)},
                          {"targets", found.targets},
                          {"open", found.services.size()},
                          {"refused", found.refused},
                          {"silent", found.silent},
                          {"unreachable", found.unreachable},
                          {"tries", found.tries},
                          {"most_at_once", found.most_at_once},
                          {"seconds", output.seconds},
                          {"cached", output.age_ms.has_value()}};
  if (output.age_ms) out["age_seconds"] = static_cast<double>(*output.age_ms) / 1e3;
  return PrettyJson(out);
}

std::string ScanTable(const ScanOutput& output, const Painter& paint) {
  const scan::Findings& found = output.findings;
  std::size_t width = 7;
  for (const scan::Service& one : found.services) width = std::max(width, EndpointOf(one).size());
  std::string table;
  if (!found.services.empty()) {
    table += fmt::format("{:<{}}  {:<10}  {:<10}  {:>9}  {}\n", "address", width, "service",
                         "version", "connect", "models");
  }
  for (const scan::Service& one : found.services) {
    // Padded before it is coloured: the codes have no width.
    const std::string name = fmt::format("{:<10}", scan::ServiceName(one.kind));
    table += fmt::format("{:<{}}  {}  {:<10}  {:>6.2f} ms  {}\n", EndpointOf(one), width,
                         one.openai ? paint.Green(name) : name, one.version,
                         static_cast<double>(one.connect_ns) / kNsPerMs, Details(one));
  }
  const std::string cached = output.age_ms ? fmt::format(" (cached {:.0f} s ago)",
                                                         static_cast<double>(*output.age_ms) / 1e3)
                                           : "";
  const std::string counts =
      fmt::format("{} targets in {:.4f} s{}: {} open, {} refused, {} silent, {} unreachable",
                  found.targets, output.seconds, cached, found.services.size(), found.refused,
                  found.silent, found.unreachable);
  return table + paint.Dim(counts) + '\n';
}

std::string ChangeJson(const scan::Change& change, std::int64_t wall_ns) {
  boost::json::object out{{"time", TimeText(wall_ns)}, {"change", scan::ChangeName(change.kind)}};
  if (!change.model.empty()) out["model"] = change.model;
  if (change.kind == scan::ChangeKind::kChanged) out["before"] = scan::ServiceName(change.before);
  for (auto& member : ToJson(change.service)) out[member.key()] = std::move(member.value());
  return CompactJson(out);
}

std::string ChangeText(const scan::Change& change, std::int64_t wall_ns, const Painter& paint) {
  const std::string name = fmt::format("{:<13}", scan::ChangeName(change.kind));
  std::string colored = name;
  if (change.kind == scan::ChangeKind::kUp) colored = paint.Green(name);
  if (change.kind == scan::ChangeKind::kDown) colored = paint.Red(name);
  std::string what = fmt::format("{:<10}  {}", scan::ServiceName(change.service.kind),
                                 change.model.empty() ? Details(change.service) : change.model);
  if (change.kind == scan::ChangeKind::kChanged) {
    what =
        fmt::format("{} to {}  {}", scan::ServiceName(change.before), what, change.service.version);
  }
  while (what.ends_with(' ')) what.pop_back();
  return fmt::format("{}  {}  {:<21}  {}\n", TimeText(wall_ns), colored, EndpointOf(change.service),
                     what);
}

}  // namespace assay::cli
