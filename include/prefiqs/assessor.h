// The heart of the library: quality of faces from a network and its pruned twin.
#ifndef PREFIQS_ASSESSOR_H_
#define PREFIQS_ASSESSOR_H_

#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefiqs/detector.h>
#include <prefiqs/error.h>
#include <prefiqs/image.h>
#include <prefiqs/network.h>
#include <prefiqs/recipe.h>

namespace prefiqs {

// What Assessment::quality says; higher is better throughout.
enum class Method {
  kDrift,       // 1 - drift / 2, in [0, 1]: the paper's
  kPrunedNorm,  // L2 norm of the pruned network's embedding
  kJvp,  // 1 - S / 2, S being Assessment::sensitivity: the first-order theory of the drift, on the same scale, but
         // not bounded below
  // The others prune nothing.
  kNorm,        // L2 norm of the network's embedding
  kStochastic,  // in (0, 1]: how alike embeddings are that are made with parts of the last layer's input left out at
                // random (SER-FIQ, arXiv 2003.09373; a network trained without dropout was never asked to stand it)
  kOutput,      // the output of a quality network (NetworkOptions::tells_quality)
  kEmbedding,   // nothing: embeddings alone are wanted
};
// "drift", "pruned-norm", "jvp", "norm", "stochastic", "onnx", "embed".
PREFIQS_API std::string_view name(Method method);
// Whether the recipe matters.
inline bool prunes(Method method) {
  return method == Method::kDrift || method == Method::kPrunedNorm || method == Method::kJvp;
}

// What `threads` = 0 stands for, here and everywhere: the processors that this process may run on (its CPU affinity, as
// by taskset), but no more than the CPU quota of its cgroups (as by docker --cpus; versions 1 and 2), rounded up. At
// least 1. Found out once, at the first call. More threads than that may be asked for, but they share these processors.
PREFIQS_API int usable_processors();

struct AssessorOptions {
  // Unset: the recipe stored with the network, else the paper's.
  std::optional<Recipe> recipe{};
  // Used by assess(), two at most for one image; 0: usable_processors(). With 1 no thread is started; with more, a
  // helper that was started for a single image stays until the assessor goes.
  int threads = 1;
  // Unset: pictures are taken as aligned crops, unless there are landmarks.
  std::optional<Detector> detector{};
  // In place of the detector, for pictures that have names (run_job()): a picture without a row there, like one that
  // has no name, gets kNoFace. Both together are refused.
  std::optional<GivenLandmarks> landmarks{};
  bool aligns() const { return detector || landmarks; }  // false: pictures are aligned crops
  // A detected face whose box is smaller than this on its longer side gets kFaceTooSmall. Pixels.
  float min_face = 24;
  // Above 0: a picture in which more faces are found gets kTooManyFaces. Every face counts that the detector finds,
  // those under min_face too. Unused for aligned crops.
  int max_faces = 0;
  // How finely detect() searches the pictures. Unused for aligned crops.
  Search search = Search::kNormal;
  // True: where no face is surely upright (confidence times the cosine of its angle under 0.93), the picture turned by
  // 90, 180 and 270 degrees is searched, too; the turn counts that has the surest upright face (Assessment::turn). Crop
  // and score are those of the picture turned so. Three more searches, and the memory of a second picture. Unused for
  // aligned crops.
  bool turn = false;
  // The guard looks once more at the crops of which it is not clear that they show a face: pictures taken as aligned
  // crops, and faces of which the detector was unsure (confidence under guard_under). It gives kNotAFace where it sees
  // none. It gives kNotAligned to a picture taken as an aligned crop whose face is not where alignment puts it.
  // Unset: the detector above; where that is unset too, default_detector(), which has to be installed.
  // Of landmarks without a confidence every face is looked at.
  std::optional<Detector> guard{};
  float guard_under = 0.8f;
  bool guarded = true;  // false: no guard looks
  // True: the networks see the mirror images of the crops (which stay as they are where they are saved).
  bool mirror = false;
  Method method = Method::kDrift;
  ExecutorKind executor = ExecutorKind::kOneDnn;
  // Of the face network; detectors run in kFp32. Method::kJvp takes no other.
  Precision precision = Precision::kFp32;
};

struct Assessment {
  Status status = Status::kNoFace;
  // Cause in words where status is not kOk; for any status what was noticed about the picture (DecodedImage::detail).
  std::string detail;

  // Numbers are there where the status is kOk and, raw, where it is kNotAFace or kNotAligned ("scored" below).
  // By the method; higher is better. NaN unless scored.
  float quality = std::numeric_limits<float>::quiet_NaN();
  // Distance of the two L2-normalised embeddings, in [0, 2]. NaN unless scored and pruned, and of
  // Method::kJvp.
  float drift = std::numeric_limits<float>::quiet_NaN();
  // Calibrated 0-100; -1 unless kOk, for other methods than kDrift, and where the network has no calibration for this
  // recipe and preprocessing.
  int scalar = -1;
  // L2 norm of the unpruned embedding. NaN unless scored, and of Method::kOutput.
  float embedding_norm = std::numeric_limits<float>::quiet_NaN();
  // Baselines from the same pass; higher is better; NaN unless scored (and there). The norm of the pruned network's
  // embedding, what literally survives; the crop's sharpness and how evenly it is lit (score/crop_measures.h).
  float pruned_norm = std::numeric_limits<float>::quiet_NaN();
  float sharpness = std::numeric_limits<float>::quiet_NaN();
  float uniformity = std::numeric_limits<float>::quiet_NaN();
  // S, at least 0: how fast the L2-normalised embedding moves, per unit of change, when the weights that the recipe
  // removes begin to shrink; what the drift is to first order. NaN unless scored by Method::kJvp.
  float sensitivity = std::numeric_limits<float>::quiet_NaN();
  // The unpruned network's output, not normalised; empty unless scored.
  std::vector<float> embedding;
  // Where the face was, in the picture as given; unset for aligned crops. Of a turned picture, left and right of the
  // landmarks are as seen in the upright picture.
  std::optional<Face> face;
  // Degrees clockwise by which the picture as given (after Exif's turning) has to be turned for the face to be upright:
  // 0, 90, 180 or 270. 0 unless AssessorOptions::turn.
  int turn = 0;
  // How many faces were found in the picture, chosen or not; -1 where none were looked for (aligned crops, pictures
  // that cannot be read).
  int faces = -1;
};

// Immutable after construction; every const function may be called from any thread at the same time. Usable in a child
// of fork when it was created and used with one thread only.
class PREFIQS_API Assessor {
 public:
  // Prunes, compiles both networks into one twin plan. Throws Error(kRecipe) (also for a network that save_pruned()
  // wrote: its weights are gone already), Error(kModel), Error(kNotAvailable) (a precision that the processor
  // cannot multiply in), Error(kUsage) where network, method and precision do not go together, or where the method is a
  // norm that is the same for all pictures (Network::has_constant_norm()), or Error(kIo) where the default guard is not
  // installed.
  explicit Assessor(const Network& network, const AssessorOptions& options = {});

  // Quality of the picture's chosen face (Detector::detect says which). Never throws for a bad picture.
  Assessment assess(const Image& image) const;
  Assessment assess(const DecodedImage& image) const;
  // The same for many pictures; result i belongs to image i and has the same bits as assess(images[i]).
  std::vector<Assessment> assess(std::span<const Image> images) const;

  const Recipe& recipe() const;         // in use
  double achieved_sparsity() const;     // ties make it differ from the recipe's; 0 where nothing is pruned
  std::string instruction_set() const;  // e.g. "avx512_core_bf16"; "other" where not x86
  const Network& network() const;
  // The network's, when it is for the recipe and preprocessing in use.
  std::optional<Calibration> calibration() const;

  struct Impl;
  explicit Assessor(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace prefiqs

#endif  // PREFIQS_ASSESSOR_H_
