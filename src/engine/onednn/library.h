// The library behind the plan: oneDNN 2.6 or 3.x, whichever the build finds.
//
// The two differ in how a primitive is described (2.x takes an operation descriptor first, 3.x takes its members), and
// in what of a memory descriptor they show. Only library.cc and this header know which one it is; emitters, packing and
// benches call these functions. What is equal in both (memory, stream, execution, post-op binary and sum) is used as it
// is.
//
// All functions may be called from any thread. Those that return a primitive descriptor throw dnnl::error with the
// status dnnl_unimplemented or dnnl_invalid_arguments where the library has no kernel for it.
#ifndef PREFIQS_ENGINE_ONEDNN_LIBRARY_H_
#define PREFIQS_ENGINE_ONEDNN_LIBRARY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

namespace prefiqs::engine::onednn {

using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;

// "2.6.3": of the library that runs, which may be newer than the one that the build found.
std::string LibraryVersion();

// --- memory descriptors

// float32, the elements in the order of the dimensions.
Desc RowMajor(const Dims& dims);

Dims DimsOf(const Desc& desc);
dnnl::memory::data_type TypeOf(const Desc& desc);
// Elements from the start of the memory to the first element.
std::int64_t OffsetOf(const Desc& desc);
// Every dimension has a stride, perhaps with blocks inside, and nothing is stored beside the elements.
bool IsBlocked(const Desc& desc);
// Blocked without inner blocks: elements follow each other in the order of the dimensions, none between.
bool IsRowMajor(const Desc& desc);
// How many consecutive indices of the first dimension the inner blocks hold; 1 without any. Only of a blocked one.
std::int64_t RowsInBlock(const Desc& desc);

// --- instruction sets

// The token that rows and `inspect` show, for example "avx512_core_bf16"; "unknown" for one that came later.
std::string_view NameOf(dnnl::cpu_isa isa);

// --- primitives; `attributes` as Builder::Attributes() makes them, with post-ops or without

using Attributes = dnnl::primitive_attr;

// Appends `algorithm` with its alpha and beta.
void AppendEltwise(dnnl::post_ops& post_ops, dnnl::algorithm algorithm, float alpha, float beta);

// One value for each spatial dimension. Pads may be negative where the library takes it.
struct Windows {
  Dims strides, dilations, pads_begin, pads_end;  // dilations as oneDNN counts them: 0 where no element is left out
};

// `bias`: null without.
dnnl::convolution_forward::primitive_desc DescribeConvolution(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                                              const Desc& source, const Desc& weights, const Desc* bias,
                                                              const Desc& target, const Windows& windows,
                                                              const Attributes& attributes = {});
dnnl::inner_product_forward::primitive_desc DescribeInnerProduct(const dnnl::engine& engine, const Desc& source,
                                                                 const Desc& weights, const Desc* bias,
                                                                 const Desc& target, const Attributes& attributes = {});
dnnl::matmul::primitive_desc DescribeProduct(const dnnl::engine& engine, const Desc& a, const Desc& b,
                                             const Desc& target, const Attributes& attributes = {});
// Source and target have one layout.
dnnl::eltwise_forward::primitive_desc DescribeEltwise(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                                      const Desc& layout, float alpha, float beta,
                                                      const Attributes& attributes = {});
dnnl::prelu_forward::primitive_desc DescribePRelu(const dnnl::engine& engine, const Desc& layout, const Desc& slopes,
                                                  const Attributes& attributes = {});
// The target has the left operand's layout.
dnnl::binary::primitive_desc DescribeBinary(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& left,
                                            const Desc& right, const Attributes& attributes = {});
// Windows whose elements lie side by side: the dilations of `windows` are not read.
dnnl::pooling_forward::primitive_desc DescribePooling(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                                      const Desc& source, const Desc& target, const Dims& kernel,
                                                      const Windows& windows, const Attributes& attributes = {});
// With the given statistics, source and target in one layout.
dnnl::batch_normalization_forward::primitive_desc DescribeBatchNormalization(const dnnl::engine& engine,
                                                                             const Desc& layout, float epsilon,
                                                                             const Attributes& attributes = {});
// Over the last dimension, source and target in one layout.
dnnl::layer_normalization_forward::primitive_desc DescribeLayerNormalization(const dnnl::engine& engine,
                                                                             const Desc& layout, float epsilon,
                                                                             bool has_shift,
                                                                             const Attributes& attributes = {});
dnnl::softmax_forward::primitive_desc DescribeSoftmax(const dnnl::engine& engine, const Desc& layout, int axis,
                                                      const Attributes& attributes = {});
dnnl::reduction::primitive_desc DescribeReduction(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                                  const Desc& source, const Desc& target, float p,
                                                  const Attributes& attributes = {});
dnnl::resampling_forward::primitive_desc DescribeResampling(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                                            const Desc& source, const Desc& target,
                                                            const Attributes& attributes = {});
dnnl::concat::primitive_desc DescribeConcat(const dnnl::engine& engine, const Desc& target, int axis,
                                            const std::vector<Desc>& sources, const Attributes& attributes = {});

}  // namespace prefiqs::engine::onednn

#endif  // PREFIQS_ENGINE_ONEDNN_LIBRARY_H_
