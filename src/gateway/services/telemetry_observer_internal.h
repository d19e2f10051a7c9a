// Exchanges as metrics, log lines and rows of the request log.
// Threads: safe; no call waits.
#pragma once
#include <array>
#include <span>
#include <string>

#include "assay/telemetry/log.h"
#include "assay/telemetry/metrics.h"
#include "assay/telemetry/request_log.h"

#include "services/observer_internal.h"

namespace assay::gateway {

struct ObserverOptions {
  bool access_log = true;  // one line an exchange
  bool texts = false;      // questions and answers in the request log
};

class TelemetryObserver final : public Observer {
 public:
  // `log` and `request_log` may be null.
  TelemetryObserver(telemetry::Metrics& metrics, telemetry::Log* log,
                    telemetry::RequestLog* request_log, ObserverOptions options);

  void OnExchange(const ExchangeSummary& summary) override;
  void OnEndpoint(std::string_view pattern, int status, std::int64_t total_ns) override;
  void OnRefused(std::string_view code) override;
  void OnRefresh(bool stored, const Usage& usage, std::int64_t cost_nanousd) override;

 private:
  void Count(const ExchangeSummary& summary);
  void CountExperts(std::span<const ExpertNote> experts);
  void CountVerdicts(std::span<const ClaimVerdict> verdicts);
  void WriteLine(const ExchangeSummary& summary);
  void OfferRecord(const ExchangeSummary& summary);

  telemetry::Metrics& metrics_;
  telemetry::Log* log_;
  telemetry::RequestLog* request_log_;
  ObserverOptions options_;
  std::array<telemetry::Counter, 9> by_source_;
  std::array<telemetry::Counter, 6> by_status_;  // 1xx..5xx and cancelled
  std::array<telemetry::Histogram, 3> by_outcome_;
  telemetry::Histogram all_;
  telemetry::Histogram first_byte_;
  telemetry::Histogram added_;  // what the gateway itself took of a miss
  telemetry::Counter prompt_tokens_;
  telemetry::Counter completion_tokens_;
  telemetry::Counter cost_;
  telemetry::Counter saved_;
  telemetry::Counter retries_;
  telemetry::Counter rechecked_;
  std::array<telemetry::Counter, 3> claims_;
  std::array<telemetry::Counter, 2> refreshes_;  // failed, stored
};

}  // namespace assay::gateway
