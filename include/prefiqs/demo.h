// A network's score shown on pictures: everything sorted by quality, and one face made worse step by step.
#ifndef PREFIQS_DEMO_H_
#define PREFIQS_DEMO_H_

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <prefiqs/assessor.h>
#include <prefiqs/network.h>

namespace prefiqs {

struct DemoOptions {
  // As JobOptions::inputs. 1000 pictures at most.
  std::vector<std::string> inputs{};
  // Its detector is required: it tells faces from pictures of none.
  AssessorOptions assessor{};
  std::string page{};    // HTML file that is written, over an old one; empty: none
  std::string figure{};  // SVG file of the curves alone, likewise; none is written where no face was found
};

struct DemoPicture {
  std::string path;
  // kOk; else why there is no score of a face. A picture without a face (kNoFace) has its central square scored all the
  // same, so that it can be seen where it ends.
  Status status = Status::kNoFace;
  std::string detail;
  float quality = std::numeric_limits<float>::quiet_NaN();
  float drift = std::numeric_limits<float>::quiet_NaN();
  int scalar = -1;
};

struct DemoSeries {
  std::string name;
  std::string unit;
  std::vector<double> strengths;  // from 0, the face as it is
  std::vector<double> qualities;  // NaN where there is none
  // Spearman's, of quality with strength; empty where it is not defined. At most -0.9 is what one wants.
  std::optional<double> rank_correlation;
};

struct DemoReport {
  std::vector<DemoPicture> pictures;  // by falling quality, those without last
  std::string portrait;               // path of the picture whose face was made worse; empty where there was no face
  std::vector<DemoSeries> series;
  int faces = 0, non_faces = 0;
  int inverted = 0;  // pairs of a non-face and a face in which the non-face has no lower quality
};

// The face made worse is the one of the best quality: a bad one has nothing to lose. Throws Error as run_job does.
PREFIQS_API DemoReport run_demo(const Network& network, const DemoOptions& options);

}  // namespace prefiqs

#endif  // PREFIQS_DEMO_H_
