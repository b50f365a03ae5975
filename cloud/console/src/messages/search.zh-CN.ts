// 查找框的中文文字。

export const searchZh = {
  open: '查找',
  openHint: '按 / 或 Ctrl+K',
  title: '查找任何对象',
  placeholder: '编号或名称，可写多个词：第七小学 交换机',
  kinds: {
    school: '学校',
    link: '链路',
    gateway: '网关',
    classroom: '教室',
    class: '班级',
    device: '设备',
    port: '端口',
    terminal: '终端',
  },
  none: (q: string) => `没有找到“${q}”`,
  noneHint: '少写一个词，或换一个名称。',
  hint: '输入即查找：链路、学校、网关、设备、端口、教室、班级、终端。',
  keys: '↑ ↓ 选择 · Enter 打开 · Esc 关闭',
  found: (n: string) => `找到 ${n} 项`,
  more: (n: string) => `另有 ${n} 项，多写一个词可缩小范围`,
}
