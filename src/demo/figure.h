// The curves of the face made worse, as one drawing.
#ifndef PREFIQS_DEMO_FIGURE_H_
#define PREFIQS_DEMO_FIGURE_H_

#include <string>

#include <prefiqs/demo.h>

namespace prefiqs::demo {

// SVG: a panel for each series, one axis of quality for all. Requires series.
std::string RenderFigure(const DemoReport& report);

}  // namespace prefiqs::demo

#endif  // PREFIQS_DEMO_FIGURE_H_
