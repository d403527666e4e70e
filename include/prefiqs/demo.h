// A network's score shown on pictures: which regions of a face it hangs on, everything sorted by quality, and one face
// made worse step by step.
#ifndef PREFIQS_DEMO_H_
#define PREFIQS_DEMO_H_

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <prefiqs/assessor.h>
#include <prefiqs/network.h>

namespace prefiqs {

// What the hidden part of a crop is replaced by.
enum class PatchFill {
  kBlurred,  // the crop itself, blurred until features are gone: light and colours stay
  kMean,     // the crop's mean colour
  kGrey,     // (128, 128, 128)
};

struct ExplainOptions {
  // As for Assessor; the guard is asked about the face as it is, not with parts hidden. Any method that gives a
  // quality.
  AssessorOptions assessor{};
  // Of the square that is hidden, as shares of the crop's height: its side, in (0, 1], and how far it moves from one
  // place to the next, in (0, patch]. Both are rounded to pixels, 1 at least.
  double patch = 0.25;
  double step = 0.0625;
  PatchFill fill = PatchFill::kBlurred;
};

// Occlusion sensitivity: squares of the crop are hidden one at a time, and each time quality is asked for again. It
// says what the score of this face answers to, not why the face is bad: a hidden square is itself a kind of damage,
// regions act together, and another patch or fill gives another map.
struct Explanation {
  // Of the face as it is. Unless its status is kOk or, a map of what the guard refuses, kNotAFace or kNotAligned,
  // nothing else is there.
  Assessment assessment;
  Image crop;       // what the network saw, before mirroring
  int patches = 0;  // places that were hidden
  // Row by row, a number a pixel of the crop: the mean change of quality (hidden less whole) over the squares that hid
  // it, the middle of a square counting more than its soft edge. Above 0: the face scores better without this region,
  // which so costs quality; below 0: the region carries it. NaN where no square that hid it had a quality.
  std::vector<float> change;
};

// Of the picture's chosen face, or of the crop. The same bits whatever the threads. Never throws for a bad picture;
// throws Error as Assessor's constructor does, and Error(kUsage) for options out of range, more than 10000 places, or a
// method without a quality.
PREFIQS_API Explanation explain(const Network& network, const DecodedImage& picture,
                                const ExplainOptions& options = {});

// The crop beside the map laid over it in grey, each 448 high: red where a region costs quality, blue where it carries
// it, the stronger the more, the strongest of the map in full. Requires a map.
PREFIQS_API Image draw(const Explanation& explanation);

struct DemoOptions {
  // As JobOptions::inputs. 1000 pictures at most.
  std::vector<std::string> inputs{};
  // Its detector is required: it tells faces from pictures of none, with the guard where there is one, as an Assessor
  // does.
  AssessorOptions assessor{};
  ImageLimits limits{};
  std::string page{};    // HTML file that is written, over an earlier page; empty: none
  std::string figure{};  // SVG file of the curves alone, likewise; none is written where no face was found
  bool force = false;    // false: what is at page or figure, not empty and no earlier one, is refused
};

struct DemoPicture {
  std::string path;
  // kOk; else why there is no score of a face. A picture without a face (kNoFace) has its central square scored all the
  // same, so that it can be seen where it ends; what the guard refused (kNotAFace) has its raw numbers.
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

// A face of which the page shows the map, with the options of explain() but for steps of 0.125.
struct DemoExplanation {
  std::string path;
  Explanation explanation;
};

struct DemoReport {
  std::vector<DemoPicture> pictures;  // by falling quality, those without last
  std::string portrait;               // path of the picture whose face was made worse; empty where there was no face
  std::vector<DemoSeries> series;
  std::vector<DemoExplanation> explained;  // the face of the best and, where it is another, that of the lowest quality
  std::string warning;  // that the preprocessing looks wrong, as JobOptions::on_warning has it; empty: none
  int faces = 0, non_faces = 0;
  int inverted = 0;  // pairs of a non-face and a face in which the non-face has no lower quality
};

// The face made worse is the one of the best quality: a bad one has nothing to lose. Throws Error as run_job does.
PREFIQS_API DemoReport run_demo(const Network& network, const DemoOptions& options);

}  // namespace prefiqs

#endif  // PREFIQS_DEMO_H_
