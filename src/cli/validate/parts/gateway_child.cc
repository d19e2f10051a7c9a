#include "validate/parts/gateway_child.h"

#include <algorithm>
#include <cstdlib>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"

namespace assay::cli::validate {
namespace {

constexpr int kStartS = 60;  // documents may have to be indexed

}  // namespace

Result<std::unique_ptr<GatewayChild>> GatewayChild::Start(const std::string& folder,
                                                          const std::string& name,
                                                          boost::json::object settings) {
  const std::string config = fmt::format("{}/{}.json", folder, name);
  settings["listen"] = boost::json::array{"127.0.0.1:0"};
  settings["log"] = boost::json::object{{"level", "warn"}, {"access", false}};
  ASSAY_TRY(core::WriteFileAtomically(core::FileSystem::Real(), config,
                                      boost::json::serialize(settings)));
  ASSAY_ASSIGN(const std::string program, OwnPath());
  ASSAY_ASSIGN(Process process, Process::Start({.program = program,
                                                .arguments = {"serve", "--config", config},
                                                .error_file = folder + "/" + name + ".log"}));
  const auto line = process.ReadLine(kStartS);
  const std::size_t colon = line ? line->rfind(':') : std::string::npos;
  if (!line || colon == std::string::npos || line->find("listening on") == std::string::npos) {
    return Fail(Code::kUnavailable, fmt::format("the gateway '{}' did not start: {}", name,
                                                line ? *line : line.error().message));
  }
  const auto port =
      static_cast<std::uint16_t>(std::strtoul(line->c_str() + colon + 1, nullptr, 10));
  return std::unique_ptr<GatewayChild>(new GatewayChild(std::move(process), port));
}

Result<double> GatewayChild::Metric(std::string_view series) const {
  ASSAY_ASSIGN(Connection connection, Connection::Open(port_, 10));
  ASSAY_ASSIGN(const Message answer, connection.Ask(RequestBytes("GET", "/metrics", "")));
  double sum = 0;
  std::string_view rest = answer.body;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t space = line.rfind(' ');
    if (line.starts_with(series) && space != std::string_view::npos) {
      sum += std::strtod(std::string(line.substr(space + 1)).c_str(), nullptr);
    }
  }
  return sum;
}

}  // namespace assay::cli::validate
