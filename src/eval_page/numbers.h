// Numbers as the page says them; script.h says some of them again.
#ifndef PREFIQS_EVAL_PAGE_NUMBERS_H_
#define PREFIQS_EVAL_PAGE_NUMBERS_H_

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>

#include <prefiqs/evaluation.h>

namespace prefiqs::eval_page {

inline std::string Number(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : std::string("–");
}

inline std::string Percent(double value) {
  return std::isfinite(value) ? fmt::format("{:.2f} %", 100 * value) : std::string("–");
}

inline std::string Between(const EvaluationInterval& interval, double scale, int decimals) {
  if (!std::isfinite(interval.low)) return "–";
  return fmt::format("{:.{}f} to {:.{}f}", scale * interval.low, decimals, scale * interval.high, decimals);
}

inline std::string Rate(double value) { return std::isfinite(value) ? fmt::format("{:.2g}", value) : std::string("–"); }

// Thousands apart by a narrow space that does not break.
inline std::string Grouped(std::uint64_t count) {
  std::string text = fmt::format("{}", count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, "\u202f");
  return text;
}

inline char Letter(EdcProtocol protocol) { return static_cast<char>('A' + static_cast<int>(protocol)); }

}  // namespace prefiqs::eval_page

#endif  // PREFIQS_EVAL_PAGE_NUMBERS_H_
