// The demonstration as one HTML file that needs nothing else.
#ifndef PREFIQS_DEMO_PAGE_H_
#define PREFIQS_DEMO_PAGE_H_

#include <string>
#include <string_view>
#include <vector>

#include <prefiqs/demo.h>
#include <prefiqs/image.h>

namespace prefiqs::demo {

// What each page holds within its first 512 bytes, and little else does.
inline constexpr std::string_view kPageMark = "<title>prefiqs: face image quality</title>";

struct PageFacts {
  std::string network, recipe, preprocessing, calibration, made_by;
};

// What the page shows besides the report; indices as there.
struct PagePictures {
  std::vector<Image> thumbnails, crops;   // of report.pictures; empty images where there is none
  std::vector<std::vector<Image>> steps;  // of report.series, crop by crop
};

// Names of files are escaped; bytes that are no UTF-8 stay, and browsers show replacement characters for them.
std::string RenderPage(const DemoReport& report, const PagePictures& pictures, const PageFacts& facts);

}  // namespace prefiqs::demo

#endif  // PREFIQS_DEMO_PAGE_H_
