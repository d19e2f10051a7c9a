// `assay serve` as a process of its own: this program again, with settings made for it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "assay/core/result.h"

#include "validate/parts/process.h"

namespace assay::cli::validate {

class GatewayChild {
 public:
  // Writes `settings` to FOLDER/NAME.json, starts the gateway with them on a free port of this
  // machine and waits until it listens. Its log goes to FOLDER/NAME.log. Errors: kUnavailable with
  // what it said; those of the disk.
  [[nodiscard]] static Result<std::unique_ptr<GatewayChild>> Start(const std::string& folder,
                                                                   const std::string& name,
                                                                   boost::json::object settings);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  [[nodiscard]] bool Alive() const { return process_.Alive(); }
  int Stop() { return process_.Stop(); }

  // The sum of the series of GET /metrics whose name begins so, such as
  // `assay_exchanges_total{source="memory"}`. Errors: kUnavailable.
  [[nodiscard]] Result<double> Metric(std::string_view series) const;

 private:
  GatewayChild(Process process, std::uint16_t port) : process_(std::move(process)), port_(port) {}

  Process process_;
  std::uint16_t port_;
};

}  // namespace assay::cli::validate
