// A face recognition network read from an ONNX file, checked, and immutable.
#ifndef PREFIQS_NETWORK_H_
#define PREFIQS_NETWORK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <prefiqs/error.h>
#include <prefiqs/preprocessing.h>
#include <prefiqs/recipe.h>

namespace prefiqs {

enum class ExecutorKind {
  kOneDnn,     // fast
  kReference,  // naive loops, obviously correct, slow
};

// How products are formed; sums are float32 in both. kBf16 wants ExecutorKind::kOneDnn and a processor that has
// AVX512-BF16, or AMX, on which it is several times as fast.
enum class Precision {
  kFp32,
  kBf16,  // operands rounded to bfloat16, 8 significant bits: ranks faces as kFp32 does, drifts move by about 0.001
};
// "fp32", "bf16".
PREFIQS_API std::string_view name(Precision precision);
// Where this processor takes longer in `precision` than in kFp32: a sentence that says so. Else empty.
PREFIQS_API std::string slower_than_fp32(Precision precision);

// What a quality means among faces: its quantiles over a reference set, for one network, recipe and preprocessing.
struct PREFIQS_API Calibration {
  static constexpr std::size_t kMinFaces = 100;

  Recipe recipe{};
  Preprocessing preprocessing{};
  std::array<float, 101> quality{};  // [p]: the p-th percentile of the reference faces' qualities; never falls
  std::int64_t faces = 0;            // in the reference set
  std::string source;                // what they were, for people
  std::string date;                  // YYYY-MM-DD

  // Percentiles between order statistics (linear, Hyndman and Fan 1996, definition 7). Throws Error(kUsage) for fewer
  // than kMinFaces qualities or one that is not finite.
  static Calibration of(std::vector<float> qualities, const Recipe& recipe, const Preprocessing& preprocessing);

  // 0 to 100: where `quality` lies among the reference faces, between percentiles linearly, rounded. Rises with
  // quality, though not strictly. Requires a finite quality.
  int scalar(float quality) const;

  // One object; from_json throws Error(kModel) naming the key at fault.
  std::string to_json() const;
  static Calibration from_json(std::string_view json);

  // 16 hexadecimal digits of the percentiles alone, by which rows name the calibration that their scalars are of: the
  // same for calibrations that give every quality of a face the same scalar, whatever their date and source.
  std::string content_hash() const;

  friend bool operator==(const Calibration&, const Calibration&) = default;
};

// Where the preprocessing in use came from, the first that there is: NetworkOptions; the file's metadata under
// "prefiqs.preprocessing"; the sidecar, which is the file MODEL.json beside MODEL (as in arcface.onnx.json) or
// NetworkOptions::sidecar, and holds {"preprocessing": {...}, "recipe": {...}, "calibration": {...}, "output": "NAME"},
// any of them, or a preprocessing alone; else ArcFace's is assumed.
enum class PreprocessingSource { kOption, kMetadata, kSidecar, kAssumed };

struct NetworkOptions {
  std::optional<Preprocessing> preprocessing{};  // overrides what is stored with the network
  std::optional<CropTemplate> crop_template{};   // overrides the preprocessing's, wherever that comes from
  std::optional<PictureSize> size{};             // likewise; refused where the file fixes another
  // The name of the output that is the embedding, of a network with several; empty: the sidecar's "output", else the
  // only one N×d with d ≥ 16, where each of the others is a number a face.
  std::string output{};
  // The network tells a quality itself: by the one output that is a single number a face (CR-FIQA, eDifFIQA), however
  // many outputs there are beside it, else by the norm of its only output (MagFace). For Method::kOutput alone.
  bool tells_quality = false;
  int threads = 1;  // for loading; 0: all usable processors. Nothing depends on it
  // Not empty: the file that is read in place of MODEL.json, and that save_calibration() writes: for networks in
  // folders that cannot be written. It must exist, unless `new_sidecar`.
  std::string sidecar{};
  // True, for calibrating: where `sidecar` does not exist, MODEL.json is read, and save_calibration() writes a copy of
  // it with the calibration. A calibration of another network there, which is else refused, is left out.
  bool new_sidecar = false;
};

enum class PrunedForm {
  kMasked,   // zeros, the topology stays
  kRemoved,  // smaller tensors, of structured recipes; the same embeddings up to rounding
};

// One row of `prefiqs inspect`, for one picture (for as many as the file is fixed to, where its batch is not open).
struct LayerInfo {
  std::string name;
  std::string op;                   // ONNX operator
  std::vector<std::int64_t> shape;  // of the first output
  std::int64_t parameters = 0;      // constants first used here
  std::int64_t macs = 0;            // multiply-adds of Conv, Gemm and MatMul
  std::int64_t prunable = 0;        // weights a recipe may remove
  std::int64_t pruned = 0;          // weights the inspected recipe removes; of a pruned copy: its zeros
  std::string implementation;       // what runs it: a oneDNN implementation name, "reference", or "fused into X"
};

struct TensorInfo {
  std::string name;
  std::string type;                 // "float32", …
  std::vector<std::int64_t> shape;  // -1 where the file leaves it open
};

struct Inspection {
  std::vector<TensorInfo> inputs, outputs;
  std::vector<LayerInfo> layers;
  std::int64_t opset = 0;
  std::string producer;
  std::int64_t parameters = 0, macs = 0, prunable = 0, pruned = 0;
  std::int64_t denormals = 0;   // numbers of the file under 2^-126 that are not zero; they are taken as zero
  std::string instruction_set;  // as Assessor::instruction_set
};

// Cheap to copy (shared, immutable); every const function may be called from any thread.
class PREFIQS_API Network {
 public:
  // Reads, checks and folds an ONNX file with one image input and an embedding output (N×d, or N×d×1×1). The input is
  // N×3×H×W or N×H×W×3, or has one channel, grey; its numbers are floating-point, or bytes. Open H and W become those
  // of NetworkOptions::size, else of the preprocessing, else 112. Throws Error(kIo) or Error(kModel) with the file, the
  // node and what to do; Error(kUsage) for a size or an output that the file does not have. Large weights stay in the
  // file: it is kept open, and read again where an Assessor is made. Another file may take its place (by renaming); to
  // change it as it lies makes later Assessors throw Error(kIo).
  static Network load(const std::string& path, const NetworkOptions& options = {});

  int input_width() const;
  int input_height() const;
  int embedding_size() const;  // 1 of a network that tells a quality by a single number
  bool tells_quality() const;
  // The name of the output in use, where the file has several; else empty.
  const std::string& output() const;
  // What was found out about the file and could be meant otherwise, a line each, for people. Mostly empty.
  const std::vector<std::string>& remarks() const;
  // Whether the output has the same length for all pictures, as that of a network that normalises its embedding: then
  // its norm, and that of any pruned copy, is rounding noise and no quality. Compiles the network and runs it over a
  // few fixed pictures: costs about what an Assessor costs. False for a network of one number. Throws Error(kModel).
  bool has_constant_norm() const;

  const Preprocessing& preprocessing() const;
  PreprocessingSource preprocessing_source() const;
  // From the file's metadata ("prefiqs.recipe"), else its sidecar. The one it was pruned with when is_pruned().
  std::optional<Recipe> stored_recipe() const;
  bool is_pruned() const;  // written by save_pruned()
  // From the file's metadata ("prefiqs.calibration"), else its sidecar. Holds for the recipe and preprocessing it
  // names.
  std::optional<Calibration> calibration() const;

  const std::string& path() const;
  // 32 hexadecimal digits: XXH3-128 of the file (and of its external data), as printed by `xxhsum -H2`.
  const std::string& content_hash() const;

  // Applies `recipe` and writes a valid ONNX file with recipe and preprocessing in its metadata, atomically. Returns
  // the achieved sparsity. Throws Error(kRecipe) or Error(kIo).
  double save_pruned(const Recipe& recipe, const std::string& path, PrunedForm form = PrunedForm::kMasked) const;

  // NetworkOptions::sidecar, or path() + ".json", whether it exists or not.
  const std::string& sidecar() const;

  // Throws what save_calibration() would throw, as far as it can be known before: for a file that is written after long
  // work. Leaves everything as it was.
  void check_calibration_can_be_saved(bool and_recipe = false) const;

  // Writes `calibration` into the sidecar, atomically; what else stands there stays, and a preprocessing that nothing
  // had stored yet is added. With `and_recipe` its recipe becomes the stored one. Returns the sidecar's path. Throws
  // Error(kIo), Error(kModel), or Error(kUsage) where the network file itself holds a calibration or, with
  // `and_recipe`, names a recipe: those go before the sidecar's.
  std::string save_calibration(const Calibration& calibration, bool and_recipe = false) const;

  // Everything `prefiqs inspect` prints, for the given recipe and executor. A pruned copy is not pruned again: what
  // counts as pruned are the zeros in it, whatever the recipe. Throws Error(kRecipe).
  Inspection inspect(const Recipe& recipe = {}, ExecutorKind executor = ExecutorKind::kOneDnn) const;

  struct Impl;
  explicit Network(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

// Path of the face recognition network that comes with this library. Throws Error(kIo) where it is not installed.
PREFIQS_API std::string default_network();

}  // namespace prefiqs

#endif  // PREFIQS_NETWORK_H_
