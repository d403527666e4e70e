// The curves of the face made worse, as one drawing.
#ifndef PREFIQS_DEMO_FIGURE_H_
#define PREFIQS_DEMO_FIGURE_H_

#include <string>
#include <string_view>

#include <prefiqs/demo.h>

namespace prefiqs::demo {

// What each figure holds within its first 512 bytes, and little else does.
inline constexpr std::string_view kFigureMark =
    "font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";

// SVG: a panel for each series, one axis of quality for all. Requires series.
std::string RenderFigure(const DemoReport& report);

}  // namespace prefiqs::demo

#endif  // PREFIQS_DEMO_FIGURE_H_
