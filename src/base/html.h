// Pages that need nothing but themselves: what all of them have.
#ifndef PREFIQS_BASE_HTML_H_
#define PREFIQS_BASE_HTML_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace prefiqs {

// For text between tags and in attributes. Bytes that are no UTF-8 stay, and browsers show replacement characters.
std::string EscapeHtml(std::string_view text);
std::string Base64(const std::vector<std::uint8_t>& bytes);

// Colours for light and dark, text, tables, and the list `facts` under a title.
inline constexpr std::string_view kPageStyle = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5c6670; --line: #d8dde2; --page: #fbfbf9; --tile: #fff; --good: #1a7f4b; --bad: #b3412a; --mark: #2f6db5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #9aa4ad; --line: #343b42; --page: #15181b; --tile: #1d2125; --good: #58c08a; --bad: #e98a72; --mark: #7fb2ea; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 2rem 1.2rem 4rem; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; } p { max-width: 46rem; }
.facts { color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; } .facts dt { float: left; clear: left; width: 8.5rem; } .facts dd { margin: 0 0 .1rem 8.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } td, th { text-align: left; padding: .25rem 1.2rem .25rem 0; border-bottom: 1px solid var(--line); } td.n { text-align: right; }
@media print { body { background: none; max-width: none; } })";

}  // namespace prefiqs

#endif  // PREFIQS_BASE_HTML_H_
