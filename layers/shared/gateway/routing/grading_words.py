"""The words and weights by which prompts are graded, as data (docs/adr/0028-grading.md).

English words stand as their first six letters, which their other forms share; phrases and Chinese words as they are
written. The weights are fitted by `tests/routing/fitting.py` on the half of its prompts that is for that.
"""

from __future__ import annotations

# How many letters of an English word are looked up.
STEM_LETTERS = 6


def _stems(words: str) -> frozenset[str]:
    return frozenset(word[:STEM_LETTERS] for word in words.split())


def _words(words: str) -> tuple[str, ...]:
    return tuple(words.split())


# By kind: words of English.
STEMS = {
    "code": _stems(
        "python javascript typescript java rust golang kotlin swift cpp sql regex html css bash shell script"
        " function method api json loop array string variable compile compiler debug bug error exception"
        " traceback syntax algorithm code coding program programming refactor pytest docker kubernetes react"
        " node redis query queries database schema thread async pointer kernel cuda linux git npm import def"
        " int const null class endpoint server backend frontend dataframe pandas numpy django flask component"
        " stack heap cache repository commit binary recursion recursive palindrome fibonacci queue tree graph"
        " hash linked websocket hook app module library"
    ),
    "math": _stems(
        "solve equation probability derivative integral matrix matrices percent roots polynomial median angle"
        " triangle fraction algebra geometry calculus sequence sum product divide multiply theorem inequality"
        " vector limit logarithm prime integer permutation combination variance mean eigenvalue series speed"
        " ratio average diagonal square cube perimeter area volume interest factorial modulo digits worker cost"
        " price"
    ),
    "hard": _stems(
        "rigorous rigorously theorem lemma asymptotic optimise optimize optimal distributed concurrent"
        " concurrency deadlock consensus transaction isolation recovery invariant scalable scalability"
        " architecture migrate migration strategy eigenvalue lagrange hilbert estimator garbage parser protocol"
        " latency partition tolerance causal confounder hypothesis critically methodology deduce infer"
        " assumption assumptions systematically fallacy logician justify rollback idempotent multi-tenant"
        " incremental bottleneck throughput trade-off tradeoff feasibility equilibrium axiom contradiction"
        " induction stochastic topology manifold counterfeit puzzle paradox compliance liability enforceable"
        " valuation lock-free thread-safe optimality complexity subarray subsequence dynamic diagnose diagnosis"
        " synthesize synthesise counter-argument abelian irrational orthogonal symmetric homomorphism"
        " isomorphism compact continuous martingale markov bayesian posterior sharding shards backtracking"
        " bitmask replication consistency failover restructure"
    ),
    "proof": _stems("prove proves proof proofs disprove derive counterexample qed"),
    "logic": _stems(
        "always never either neither unless exactly guarantee minimum maximum truth truthful lies lying liar"
        " clue clues possible impossible remain repeatedly every"
    ),
    "abstract": _stems(
        "ethical ethics philosophy philosophical theory theoretical perspective perspectives framework"
        " implications paradigm critique evidence economic economics policy policies geopolitical societal"
        " moral normative epistemic cognitive argument arguments thesis objection"
    ),
    "reasoning": _stems(
        "why explain analyse analyze analysis compare comparison evaluate assess reason reasoning decide"
        " decision recommend implication consequence argue argument critique interpret investigate determine"
        " conclude impact difference differences advantages disadvantages pros cons causes because"
    ),
    "making": _stems(
        "write draft compose create story poem essay letter blog slogan itinerary describe description design"
        " build implement develop generate plan speech article guide tutorial outline review"
    ),
    "simple": _stems(
        "translate translation summarise summarize summary extract classify rewrite spell spelling grammar"
        " define capital hello hi hey thanks thank joke title bye yes okay ok morning evening birthday politely"
        " rephrase opposite synonym label tag sentiment spam greet goodbye tl;dr"
    ),
    "doing": _stems("book send find search look check schedule cancel remind order create call move set turn open"),
    "demands": _stems("must should without exactly least most only ensure avoid including include each every handle"),
    "order": _stems("first then next finally after before step steps phase phases"),
}
# By kind: phrases of English, and words of Chinese.
PHRASES = {
    "hard": (
        "race condition", "root cause", "from scratch", "step by step", "memory leak", "edge cases", "trade-offs",
        "real-time", "large-scale", "high availability", "worst case", "closed form", "necessary and sufficient",
        "if and only if", "show that", "find all",
    ),
    "code": ("c++", "c#", ".net", "regular expression", "stack trace", "list comprehension", "unit test"),
    "simple": ("how do you say", "in one sentence", "yes or no", "stand for", "good morning", "nice to meet"),
}  # fmt: skip
CHINESE = {
    "code": _words(
        "代码 函数 编程 脚本 数组 接口 数据库 报错 异常 调试 正则 前端 后端 算法 排序 编译 变量 查找 链表"
        " 二叉树 队列 递归 数列 线程 程序 语句 类型 服务器 查询语句 爬虫"
    ),
    "math": _words(
        "方程 概率 导数 积分 矩阵 面积 周长 几何 整除 数列 级数 等于多少 求解 函数 乘以 平均 百分 原价 各有"
        " 速度 相距 几小时 小时 极限 向量 定理 不等式"
    ),
    "hard": _words(
        "严格 不定积分 无理数 正交 对角化 收敛 微分方程 极值 期望 红黑树 高并发 步骤 并发 分布式 死锁 一致性"
        " 复杂度 优化 架构 重构 迁移 权衡 论证 推理 最优 因果 混杂 假设 无锁 事务 竞态 根本原因 高可用 系统地"
        " 方法论 调度 容错 策略 评估 治理 正确性 编译器 缓存击穿 博弈 合规 深层 逻辑 漏洞"
    ),
    "proof": _words("证明 推导 反例 求证 证伪"),
    "logic": _words("说谎 真话 假话 至少 至多 最少 最多 保证 推断 规则 必然 可能 都"),
    "abstract": _words("观点 理论 伦理 哲学 视角 框架 利弊 深入 论点 政策 社会 制度"),
    "reasoning": _words("为什么 分析 比较 解释 区别 评价 原因 影响 优缺点 建议 判断 说明 如何 讨论"),
    "making": _words("写一 帮我写 制定 文案 演讲稿 作文 邮件 设计 实现 故事 介绍 计划 方案 生成 撰写"),
    "simple": _words(
        "翻译 总结 概括 提取 分类 改写 你好 谢谢 早上好 晚上好 再见 标题 错别字 是否 哪里 是谁 笑话 怎么说"
        " 找出 整理成 一句话 改得 在吗 几岁 生日"
    ),
    "doing": _words("查一下 查询 帮我订 预订 提醒 发送 通知 搜索 转账 取消 改到 打开 设置"),
    "demands": _words("必须 要求 不能 至少 所有 每个 考虑 并且 包括 避免 支持"),
    "order": _words("首先 然后 最后 一步一步 阶段 依次"),
}
# A score of 0 and above needs the middle quality; one above the step the highest.
STEP = 1.0
WEIGHTS: dict[str, float] = {
    "abstract": 0.07,
    "chinese": 0.17,
    "code": 0.32,
    "code_marks": 0.44,
    "constant": 0.06,
    "context": 0.03,
    "demands": 0.11,
    "doing": -0.49,
    "fact_question": -0.18,
    "hard": 1.21,
    "length": 0.31,
    "logic": 0.13,
    "long_words": 0.3,
    "making": 0.17,
    "math": 0.17,
    "math_marks": 0.61,
    "numbers": -0.06,
    "order": 0.0,
    "plain": -0.5,
    "proof": 0.97,
    "quoted": -0.23,
    "reasoning": 0.55,
    "sentences": 0.1,
    "short": -0.21,
    "simple": -0.68,
    "tools": 0.5,
    "word_problem": 0.27,
}
# The quality that each class of prompts needs, from 0 to 100 as the catalog has it.
QUALITIES = {"easy": 30, "medium": 55, "hard": 78}
